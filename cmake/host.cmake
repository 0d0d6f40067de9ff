# The PC build. Rooms that the firmware shares with the PC (proto, image,
# update, usb, boot/decide.c) are compiled here too, and tested here.
find_package(PkgConfig REQUIRED)
enable_testing()

foreach(room image proto update usb boot/host board host tests)
  if(EXISTS ${CMAKE_SOURCE_DIR}/${room}/CMakeLists.txt)
    add_subdirectory(${room})
  endif()
endforeach()
