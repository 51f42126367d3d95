/* The archive of the web screens (screens.h); tools/web builds it. */
    .section .rodata
    .global taizhang_screens_begin
    .global taizhang_screens_end
    .balign 16
taizhang_screens_begin:
    .incbin TZ_SCREENS
taizhang_screens_end:
    .byte 0
    .section .note.GNU-stack,"",@progbits
