# The library for PyTorch, by the PyTorch that LibTorch comes from. Sanitizers
# would have to be loaded before Python.
if(NOT TARGET polytask_python OR POLYTASK_SANITIZE)
  return()
endif()
# <site-packages>/torch/share/cmake/Torch; a LibTorch without Python has no such
# module, and the test skips itself.
get_filename_component(torch_site ${Torch_DIR}/../../../.. ABSOLUTE)
add_test(NAME python/balancing
  COMMAND ${POLYTASK_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/balancing_test.py
    $<TARGET_FILE:polytask_python> ${PROJECT_SOURCE_DIR} ${POLYTASK_GOLDEN_DIR})
add_test(NAME python/docs
  COMMAND ${POLYTASK_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/python/docs_test.py
    $<TARGET_FILE:polytask_python> ${PROJECT_SOURCE_DIR})
set_tests_properties(python/balancing python/docs PROPERTIES
  SKIP_RETURN_CODE 77
  ENVIRONMENT "OMP_NUM_THREADS=1;PYTHONDONTWRITEBYTECODE=1;POLYTASK_TORCH_SITE=${torch_site}")
