# The ARM build: the bootloader, the demo applications, and the small guest
# programs by which the virtual board is tested.
add_compile_options(-mcpu=cortex-m4 -mthumb -ffreestanding -ffunction-sections -fdata-sections)
add_link_options(-mcpu=cortex-m4 -mthumb -nostartfiles -Wl,--gc-sections)

foreach(room boot sdk tests/board/guest)
  if(EXISTS ${CMAKE_SOURCE_DIR}/${room}/CMakeLists.txt)
    add_subdirectory(${room})
  endif()
endforeach()
