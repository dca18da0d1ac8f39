# Checks of the project itself; the label "build" marks those that compile.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

add_test(NAME project/layers
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/layers.py ${PROJECT_SOURCE_DIR})
add_test(NAME project/umbrellas
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/umbrellas.py ${PROJECT_SOURCE_DIR})

add_test(NAME project/links
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/links.py ${PROJECT_SOURCE_DIR})

add_test(NAME project/method_pages
  COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/docs/balancing/index.py)

# Every public header compiles alone. That of a source comes first in it, and
# the preset ci compiles sources one by one; for the others there is one here.
file(GLOB_RECURSE public_headers CONFIGURE_DEPENDS
  RELATIVE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/include/*.h)
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

# README's blocks, as a project of somebody else's: installed and as a
# subdirectory. This also runs every other C++ block of the documentation.
get_filename_component(torch_config_dir ${Torch_DIR} ABSOLUTE)
foreach(way IN ITEMS installed subdirectory)
  add_test(NAME project/consumer_${way}
    COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/project/consumer.py
      --way ${way} --source ${PROJECT_SOURCE_DIR} --build ${PROJECT_BINARY_DIR}
      --torch ${torch_config_dir} --cxx ${CMAKE_CXX_COMPILER}
      --work ${CMAKE_CURRENT_BINARY_DIR}/consumer_${way})
  set_tests_properties(project/consumer_${way} PROPERTIES
    LABELS build TIMEOUT 3600 ENVIRONMENT "OMP_NUM_THREADS=1")
endforeach()
