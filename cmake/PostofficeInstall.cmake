# Installs the library so that find_package(postoffice) finds it.
include(CMakePackageConfigHelpers)

set(postoffice_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/postoffice)

# postoffice_install(<target> <component>): installs a library target with its headers; users of the
# package call it postoffice::<component>. Each has its own export, so that a component can be
# absent.
function(postoffice_install target component)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${component})
  install(TARGETS ${target} EXPORT postoffice_${component}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT postoffice_${component} NAMESPACE postoffice::
    FILE postoffice_${component}.cmake DESTINATION ${postoffice_package_dir})
endfunction()

function(postoffice_install_package)
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/postofficeConfig.cmake.in
    ${PROJECT_BINARY_DIR}/postofficeConfig.cmake INSTALL_DESTINATION ${postoffice_package_dir})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/postofficeConfigVersion.cmake
    COMPATIBILITY SameMajorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/postofficeConfig.cmake
                ${PROJECT_BINARY_DIR}/postofficeConfigVersion.cmake
                ${PROJECT_SOURCE_DIR}/cmake/FindAsio.cmake
                ${PROJECT_SOURCE_DIR}/cmake/FindRabbitmqC.cmake
          DESTINATION ${postoffice_package_dir})
endfunction()
