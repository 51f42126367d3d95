// The dictionaries as bytes of the program; their names are used in dictionary.cpp only.
    .section .rodata
    .balign 16
    .globl taizhang_dictionary_1
    .globl taizhang_dictionary_1_end
taizhang_dictionary_1:
    .incbin TZ_DICTIONARY_1
taizhang_dictionary_1_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
