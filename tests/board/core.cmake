# The core of the board: pure models, then whole chips that run guest programs
# (tests/board/guest, built by the preset `firmware`).
if(NOT DEFINED GUEST_DIR)
  set(GUEST_DIR ${CMAKE_SOURCE_DIR}/build/firmware/guest)
endif()

foreach(name sched art thumb nvic)
  add_executable(test_${name} ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c)
  target_link_libraries(test_${name} PRIVATE vcpboard_core PkgConfig::CMOCKA)
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  add_test(NAME board.${name} COMMAND test_${name})
endforeach()

add_library(run_guest STATIC ${CMAKE_CURRENT_LIST_DIR}/run_guest.c)
target_link_libraries(run_guest PUBLIC vcpboard_core PkgConfig::CMOCKA)
target_compile_definitions(run_guest PUBLIC _GNU_SOURCE GUEST_DIR="${GUEST_DIR}")
foreach(name cpu exceptions faults flash flash_fault power load)
  add_executable(test_${name} ${CMAKE_CURRENT_LIST_DIR}/test_${name}.c)
  target_link_libraries(test_${name} PRIVATE run_guest)
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  add_test(NAME board.${name} COMMAND test_${name})
endforeach()

add_executable(test_vcpboard ${CMAKE_CURRENT_LIST_DIR}/test_vcpboard.c)
target_link_libraries(test_vcpboard PRIVATE PkgConfig::CMOCKA)
target_compile_definitions(test_vcpboard PRIVATE _GNU_SOURCE GUEST_DIR="${GUEST_DIR}" VCPBOARD="$<TARGET_FILE:vcpboard>")
set_target_properties(test_vcpboard PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
add_dependencies(test_vcpboard vcpboard)
add_test(NAME board.vcpboard COMMAND test_vcpboard)
