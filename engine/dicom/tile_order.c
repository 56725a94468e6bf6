#include "dicom/tile_order.h"

#include "dicom/item_text.h"

enum {
    TAG_ORGANISATION = 0x00209311,
    TAG_MATRIX_COLUMNS = 0x00480006,
    TAG_MATRIX_ROWS = 0x00480007,
    TAG_FOCAL_PLANES = 0x00480303
};

bool kin_dicom_tile_order(const kin_dicom *dicom, kin_tile_order *out)
{
    const kin_dicom_header *h = &dicom->header;
    int columns, rows, planes, product;
    if (!kin_dicom_item_text_is(dicom->root, TAG_ORGANISATION, "TILED_FULL") || h->columns < 1 ||
        h->rows < 1 || !kin_dicom_item_int(dicom->root, TAG_MATRIX_COLUMNS, 0, &columns) ||
        !kin_dicom_item_int(dicom->root, TAG_MATRIX_ROWS, 0, &rows) || columns < 1 || rows < 1)
        return false;
    if (!kin_dicom_item_int(dicom->root, TAG_FOCAL_PLANES, 0, &planes) || planes < 1)
        planes = 1;
    *out = (kin_tile_order){.across = (columns - 1) / h->columns + 1,
                            .down = (rows - 1) / h->rows + 1,
                            .planes = planes};
    return !__builtin_mul_overflow(out->across, out->down, &product) &&
           !__builtin_mul_overflow(product, planes, &product);
}
