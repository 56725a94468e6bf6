/* The descriptor set as it is, between two labels: see descriptors.h. */
    .section .rodata
    .balign 16
    .global kin_descriptors_begin
    .type kin_descriptors_begin, %object
kin_descriptors_begin:
    .incbin KIN_DESCRIPTOR_SET
    .size kin_descriptors_begin, . - kin_descriptors_begin
    .global kin_descriptors_end
    .type kin_descriptors_end, %object
kin_descriptors_end:
    .byte 0
    .size kin_descriptors_end, 1
    .section .note.GNU-stack, "", %progbits
