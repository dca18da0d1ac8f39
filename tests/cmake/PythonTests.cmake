# <site-packages>/torch/share/cmake/Torch; a LibTorch without Python has no such
# module, and the tests skip themselves.
get_filename_component(torch_site ${Torch_DIR}/../../../.. ABSOLUTE)
set(python_tests "")

# Files that go from Python to C++ and back.
if(NOT POLYTASK_TEST_OBJECTS)
  foreach(program IN ITEMS interop optimizer_state script_module inference)
    add_executable(polytask_${program} python/${program}.cpp)
    target_link_libraries(polytask_${program} PRIVATE polytask::polytask)
    polytask_setup_target(polytask_${program})
    polytask_quick_build(polytask_${program})
  endforeach()
  foreach(name IN ITEMS safetensors python_file exported_program optimizer_state script_module inference)
    set(program interop)
    if(TARGET polytask_${name})
      set(program ${name})
    endif()
    add_test(NAME python/${name}
      COMMAND ${POLYTASK_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/${name}_test.py
        $<TARGET_FILE:polytask_${program}>)
    list(APPEND python_tests python/${name})
  endforeach()
endif()

# For `./dev interop`.
add_executable(polytask_networks EXCLUDE_FROM_ALL interop/networks.cpp)
target_link_libraries(polytask_networks PRIVATE polytask::polytask)
polytask_setup_target(polytask_networks)

# The library for PyTorch, by the PyTorch that LibTorch comes from. Sanitizers
# would have to be loaded before Python.
if(TARGET polytask_python AND NOT POLYTASK_SANITIZE)
  foreach(name IN ITEMS balancing mtl_backward docs)
    add_test(NAME python/${name}
      COMMAND ${POLYTASK_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/${name}_test.py
        $<TARGET_FILE:polytask_python> ${PROJECT_SOURCE_DIR} ${POLYTASK_GOLDEN_DIR})
    list(APPEND python_tests python/${name})
  endforeach()
endif()

# Several processes.
if(TARGET distributed AND NOT POLYTASK_TEST_OBJECTS)
  add_test(NAME distributed/torchrun
    COMMAND ${POLYTASK_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/distributed/torchrun.py $<TARGET_FILE:distributed>)
  list(APPEND python_tests distributed/torchrun)
endif()

if(python_tests)
  set_tests_properties(${python_tests} PROPERTIES
    SKIP_RETURN_CODE 77
    ENVIRONMENT "OMP_NUM_THREADS=1;PYTHONDONTWRITEBYTECODE=1;POLYTASK_TORCH_SITE=${torch_site}")
endif()
