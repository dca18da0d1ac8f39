# Checks of the project itself; the label "build" marks those that compile.

add_test(NAME project/layers
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/layers.py ${PROJECT_SOURCE_DIR})
add_test(NAME project/umbrellas
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/umbrellas.py ${PROJECT_SOURCE_DIR})

add_test(NAME project/test_entries
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/test_entries.py ${PROJECT_SOURCE_DIR})
add_test(NAME project/links
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/links.py ${PROJECT_SOURCE_DIR})

get_filename_component(torch_config_dir ${Torch_DIR} ABSOLUTE)
add_test(NAME project/includes
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/includes.py)
set_tests_properties(project/includes PROPERTIES ENVIRONMENT "Torch_DIR=${torch_config_dir}")

add_test(NAME project/method_pages
  COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/docs/balancing/index.py)
add_test(NAME project/sharing_index
  COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/docs/sharing_index.py)

# With the package file that an installation gets.
if(POLYTASK_INSTALL)
  add_test(NAME project/torch_version
    COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/torch_version.py
      --source ${PROJECT_SOURCE_DIR} --build ${PROJECT_BINARY_DIR})
endif()

# Every public header compiles alone. That of a source comes first in it, and
# `./dev tidy` parses sources one by one; umbrellas are written by a script. For the others there is a source here.
file(GLOB_RECURSE public_headers CONFIGURE_DEPENDS
  RELATIVE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/include/polytask/*/*.h)
set(header_sources "")
foreach(header IN LISTS public_headers)
  string(REGEX REPLACE "^polytask/(.*)\\.h$" "src/\\1.cpp" own_source ${header})
  if(EXISTS ${PROJECT_SOURCE_DIR}/${own_source})
    continue()
  endif()
  string(MAKE_C_IDENTIFIER ${header} name)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include <${header}>\n")
  list(APPEND header_sources ${source})
endforeach()
add_library(polytask_headers OBJECT EXCLUDE_FROM_ALL ${header_sources})
target_link_libraries(polytask_headers PRIVATE polytask::polytask)
target_compile_options(polytask_headers PRIVATE -O0 -g0)
add_test(NAME project/headers
  COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target polytask_headers)
set_tests_properties(project/headers PROPERTIES LABELS build TIMEOUT 3600)

# A module that cannot be a network is refused in one line that helps.
add_test(NAME project/unfit_modules
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/unfit_modules.py
    --cxx ${CMAKE_CXX_COMPILER} "--include=${PROJECT_SOURCE_DIR}/include;${TORCH_INCLUDE_DIRS}")
set_tests_properties(project/unfit_modules PROPERTIES LABELS build TIMEOUT 3600)

# README's blocks, as the project of somebody who installed polytask, or who adds
# it as a subdirectory. The first also runs every other C++ block of the
# documentation, with a shared library: the same objects, in which all is hidden
# but for the public API.
add_library(polytask_shared SHARED EXCLUDE_FROM_ALL $<TARGET_OBJECTS:polytask>)
set_target_properties(polytask_shared PROPERTIES LINKER_LANGUAGE CXX OUTPUT_NAME polytask)
target_link_libraries(polytask_shared PRIVATE torch)
if(NOT POLYTASK_SANITIZE)
  set_target_properties(polytask_shared PROPERTIES EXCLUDE_FROM_ALL OFF)
endif()
add_test(NAME project/consumer
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/consumer.py
    --way installed --source ${PROJECT_SOURCE_DIR} --build ${PROJECT_BINARY_DIR}
    --shared $<TARGET_FILE:polytask_shared>
    --torch ${torch_config_dir} --cxx ${CMAKE_CXX_COMPILER}
    --work ${CMAKE_CURRENT_BINARY_DIR}/consumer)
add_test(NAME project/subdirectory
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/consumer.py
    --way subdirectory --source ${PROJECT_SOURCE_DIR}
    --torch ${torch_config_dir} --cxx ${CMAKE_CXX_COMPILER}
    --work ${CMAKE_CURRENT_BINARY_DIR}/subdirectory)
set_tests_properties(project/consumer project/subdirectory PROPERTIES
  LABELS build TIMEOUT 3600 COST 1000 ENVIRONMENT "OMP_NUM_THREADS=1")
# It keeps every core busy.
set_tests_properties(project/headers PROPERTIES RUN_SERIAL ON)
