# The PC build. Rooms that the firmware shares with the PC (proto, image,
# update, usb, boot/decide.c) are compiled here too, and tested here.
find_package(PkgConfig REQUIRED)
enable_testing()

# The preset `host-fuzz` builds the fuzz targets and what they need.
option(VCPBOOT_FUZZ "libFuzzer targets (clang)" OFF)
set(rooms image proto update usb boot/host board host tests bench)
if(VCPBOOT_FUZZ)
  list(REMOVE_ITEM rooms board bench)
endif()

foreach(room ${rooms})
  if(EXISTS ${CMAKE_SOURCE_DIR}/${room}/CMakeLists.txt)
    add_subdirectory(${room})
  endif()
endforeach()
