# Adds one CTest entry for each test file, from what the built program lists: a
# suite added to a file is found by building, and a file without a test fails
# the build.
function(polytask_add_test_files target)
  set(entries ${CMAKE_CURRENT_BINARY_DIR}/${target}_files.cmake)
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND Python3::Interpreter ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/test_files.py
      $<TARGET_FILE:${target}> ${CMAKE_CURRENT_SOURCE_DIR} ${entries}
    BYPRODUCTS ${entries} VERBATIM)
  set_property(TARGET ${target} APPEND PROPERTY
    LINK_DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/test_files.py)
  set(include_file ${CMAKE_CURRENT_BINARY_DIR}/${target}_include.cmake)
  file(CONFIGURE OUTPUT ${include_file} @ONLY CONTENT [[
if(EXISTS "@entries@")
  include("@entries@")
else()
  add_test(@target@_is_not_built @target@_is_not_built)
endif()
]])
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${include_file})
endfunction()
