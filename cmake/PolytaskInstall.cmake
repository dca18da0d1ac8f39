# `cmake --install` and the package that find_package(polytask) reads.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/polytask)
install(TARGETS polytask EXPORT polytaskTargets)
if(TARGET polytask_python)
  install(TARGETS polytask_python LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(FILES src/python/polytask.py DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
install(DIRECTORY include/polytask DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT polytaskTargets NAMESPACE polytask:: DESTINATION ${package_dir})
configure_package_config_file(cmake/polytaskConfig.cmake.in polytaskConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(polytaskConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/polytaskConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/polytaskConfigVersion.cmake
        DESTINATION ${package_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
