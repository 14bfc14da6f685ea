# Finds rabbitmq-c, the AMQP client (Debian's package has no CMake files). Target:
# RabbitmqC::RabbitmqC
find_path(RabbitmqC_INCLUDE_DIR amqp.h)
find_library(RabbitmqC_LIBRARY rabbitmq)
if(RabbitmqC_INCLUDE_DIR)
  set(RabbitmqC_VERSION "")
  foreach(part MAJOR MINOR PATCH)
    file(STRINGS ${RabbitmqC_INCLUDE_DIR}/amqp.h line REGEX "define AMQP_VERSION_${part} ")
    string(REGEX MATCH "[0-9]+$" number "${line}")
    list(APPEND RabbitmqC_VERSION "${number}")
  endforeach()
  list(JOIN RabbitmqC_VERSION "." RabbitmqC_VERSION)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(RabbitmqC REQUIRED_VARS RabbitmqC_LIBRARY RabbitmqC_INCLUDE_DIR
                                  VERSION_VAR RabbitmqC_VERSION)
if(RabbitmqC_FOUND AND NOT TARGET RabbitmqC::RabbitmqC)
  add_library(RabbitmqC::RabbitmqC UNKNOWN IMPORTED)
  set_target_properties(RabbitmqC::RabbitmqC PROPERTIES
    IMPORTED_LOCATION ${RabbitmqC_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${RabbitmqC_INCLUDE_DIR})
endif()
mark_as_advanced(RabbitmqC_INCLUDE_DIR RabbitmqC_LIBRARY)
