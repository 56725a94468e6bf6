#include "decode/region_pack.h"

#include <stdlib.h>

#include "decode/region_wire.h"

kin_status kin_region_pack(const kin_region *region, void **bytes, size_t *size, kin_error *err)
{
    kin_wire_region *wire;
    *bytes = NULL;
    *size = 0;
    kin_status status = kin_wire_region_new(region, true, &wire, err);
    if (status != KIN_OK)
        return status;
    const Kindred__Worker__V1__Lesion *message = kin_wire_region_borrow(wire);
    size_t packed = kindred__worker__v1__lesion__get_packed_size(message);
    *bytes = malloc(packed > 0 ? packed : 1);
    if (*bytes == NULL)
        status = kin_fail(err, KIN_E_NOMEM, NULL, "no memory for a region");
    else
        *size = kindred__worker__v1__lesion__pack(message, *bytes);
    kin_wire_region_free(wire);
    return status;
}

kin_status kin_region_unpack(const void *bytes, size_t size, kin_region *out, kin_error *err)
{
    *out = (kin_region){0};
    Kindred__Worker__V1__Lesion *message =
        kindred__worker__v1__lesion__unpack(NULL, size, (const uint8_t *)bytes);
    if (message == NULL)
        return kin_fail(err, KIN_E_FORMAT, NULL, "not a packed region");
    kin_status status = kin_region_of_wire(message, SIZE_MAX, out, err);
    kindred__worker__v1__lesion__free_unpacked(message, NULL);
    return status;
}
