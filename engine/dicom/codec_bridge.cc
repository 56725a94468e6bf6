// codec_bridge.cc - JPEG and JPEG-LS frames by DCMTK's codecs.
//
// A codec takes its sizes from a data set.  It gets one of our own making, with a single frame in a
// single fragment, whose sizes agree with the code stream's header: what the file claims about its
// frames, offset tables and bit depths never reaches it.
#include "base/checked.h"
#include "base/status.h"
#include "dicom/codec.h"
#include "dicom/jpeg_header.h"

#include <cstdlib>
#include <new>

#include "dcmtk/config/osconfig.h"

#include "dcmtk/dcmdata/dcdatset.h"
#include "dcmtk/dcmdata/dcdeftag.h"
#include "dcmtk/dcmdata/dcpixel.h"
#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"

namespace
{

void put(DcmDataset &data_set, const DcmTagKey &tag, int value)
{
    if (data_set.putAndInsertUint16(tag, static_cast<Uint16>(value)).bad())
        throw std::bad_alloc();
}

void describe(DcmDataset &data_set, const kin_jpeg_header &header, bool is_signed)
{
    put(data_set, DCM_SamplesPerPixel, header.components);
    if (header.components > 1)
        put(data_set, DCM_PlanarConfiguration, 0);
    put(data_set, DCM_Rows, header.rows);
    put(data_set, DCM_Columns, header.columns);
    put(data_set, DCM_BitsAllocated, header.precision > 8 ? 16 : 8);
    put(data_set, DCM_BitsStored, header.precision);
    put(data_set, DCM_HighBit, header.precision - 1);
    put(data_set, DCM_PixelRepresentation, is_signed ? 1 : 0);
    // The decoder must not convert colours, and does not when it believes that they are RGB.
    const char *photometric = header.components == 1 ? "MONOCHROME2" : "RGB";
    if (data_set.putAndInsertString(DCM_PhotometricInterpretation, photometric).bad())
        throw std::bad_alloc();
}

// Pixel data with an empty offset table and the one fragment.  The data set owns it.
DcmPixelData *put_fragment(DcmDataset &data_set, E_TransferSyntax syntax, const uint8_t *bytes,
                           size_t size)
{
    DcmPixelSequence *sequence = new DcmPixelSequence(DCM_PixelSequenceTag);
    sequence->insert(new DcmPixelItem(DCM_PixelItemTag));
    DcmPixelItem *fragment = new DcmPixelItem(DCM_PixelItemTag);
    sequence->insert(fragment);
    DcmPixelData *pixels = new DcmPixelData(DCM_PixelData);
    pixels->putOriginalRepresentation(syntax, nullptr, sequence);
    if (data_set.insert(pixels).bad()) {
        delete pixels;
        throw std::bad_alloc();
    }
    if (fragment->putUint8Array(bytes, static_cast<unsigned long>(size)).bad())
        throw std::bad_alloc();
    return pixels;
}

kin_status check_header(const kin_codec_frame *frame, const kin_jpeg_header &header, size_t size,
                        const char *codec, kin_error *err)
{
    if (header.rows != frame->rows || header.columns != frame->columns ||
        header.components != frame->samples)
        return kin_fail(err, KIN_E_FORMAT, nullptr,
                        "the %s stream is %d x %d x %d where the file says %d x %d x %d", codec,
                        header.columns, header.rows, header.components, frame->columns, frame->rows,
                        frame->samples);
    if (header.precision < 2 || header.precision > 16 || header.precision > frame->bits_allocated)
        return kin_fail(err, KIN_E_FORMAT, nullptr, "%s stream of %d bits in %d allocated", codec,
                        header.precision, frame->bits_allocated);
    if (size > 0x7ffffffe)
        return kin_fail(err, KIN_E_LIMIT, nullptr, "a compressed frame of %zu bytes", size);
    return KIN_OK;
}

kin_status decode(const kin_codec_frame *frame, const kin_jpeg_header &header,
                  E_TransferSyntax syntax, const uint8_t *bytes, size_t size,
                  kin_codec_samples *out, kin_error *err)
{
    const int sample_bytes = header.precision > 8 ? 2 : 1;
    size_t pixels = 0, total = 0;
    if (!kin_mul_size(size_t(frame->rows), size_t(frame->columns), &pixels) ||
        !kin_mul_size(pixels, size_t(frame->samples) * size_t(sample_bytes), &total) ||
        total > 0xfffffffe)
        return kin_fail(err, KIN_E_LIMIT, nullptr, "frame too large");
    total += total & 1; // DCMTK writes bytes into words
    void *buffer = std::malloc(total);
    if (buffer == nullptr)
        return kin_fail(err, KIN_E_NOMEM, nullptr, "out of memory");
    OFCondition condition;
    try {
        DcmDataset data_set;
        describe(data_set, header, frame->is_signed);
        DcmPixelData *element = put_fragment(data_set, syntax, bytes, size);
        Uint32 fragment = 1;
        OFString colour;
        condition = element->getUncompressedFrame(&data_set, 0, fragment, buffer,
                                                  static_cast<Uint32>(total), colour);
    } catch (...) {
        std::free(buffer);
        throw;
    }
    if (condition.bad()) {
        std::free(buffer);
        return kin_fail(err, KIN_E_FORMAT, nullptr, "the frame cannot be decoded: %s",
                        condition.text());
    }
    *out = kin_codec_samples{buffer, sample_bytes, header.precision, false, KIN_COLOUR_AS_LABELLED};
    return KIN_OK;
}

// decode() with C++'s exceptions turned into errors.
kin_status decode_guarded(const kin_codec_frame *frame, const kin_jpeg_header &header,
                          E_TransferSyntax syntax, const uint8_t *bytes, size_t size,
                          kin_codec_samples *out, kin_error *err)
{
    try {
        return decode(frame, header, syntax, bytes, size, out, err);
    } catch (const std::bad_alloc &) {
        return kin_fail(err, KIN_E_NOMEM, nullptr, "out of memory");
    } catch (...) {
        return kin_fail(err, KIN_E_INTERNAL, nullptr, "the decoder failed");
    }
}

// The syntax whose decoder handles the process of a frame header.
bool jpeg_syntax(int marker, E_TransferSyntax *syntax)
{
    switch (marker) {
    case 0xc0:
    case 0xc1:
        *syntax = EXS_JPEGProcess2_4;
        return true;
    case 0xc2:
        *syntax = EXS_JPEGProcess10_12;
        return true;
    case 0xc3:
        *syntax = EXS_JPEGProcess14;
        return true;
    default:
        return false;
    }
}

// What three components are, by the marks that libjpeg goes by.  A lossy stream says so itself when
// it has a JFIF or Adobe segment, components named R, G and B, or subsampled chroma; there the
// file's label is often wrong.
kin_codec_colour jpeg_colour(const kin_jpeg_header &header, bool lossless)
{
    if (header.components != 3)
        return KIN_COLOUR_AS_LABELLED;
    if (header.adobe >= 0)
        return header.adobe == 0 ? KIN_COLOUR_RGB : KIN_COLOUR_YBR_FULL;
    if (lossless)
        return KIN_COLOUR_AS_LABELLED;
    if (header.jfif || header.sampling[0] != header.sampling[1])
        return KIN_COLOUR_YBR_FULL;
    if (header.ids[0] == 'R' && header.ids[1] == 'G' && header.ids[2] == 'B')
        return KIN_COLOUR_RGB;
    return KIN_COLOUR_AS_LABELLED;
}

} // namespace

extern "C" kin_status kin_dicom_jpeg_decode(const kin_codec_frame *frame, bool lossless,
                                            const uint8_t *bytes, size_t size,
                                            kin_codec_samples *out, kin_error *err)
{
    kin_jpeg_header header;
    E_TransferSyntax syntax;
    if (!kin_dicom_jpeg_header_read(bytes, size, &header))
        return kin_fail(err, KIN_E_FORMAT, nullptr, "the frame is no JPEG stream");
    if (!jpeg_syntax(header.marker, &syntax))
        return kin_fail(err, KIN_E_UNSUPPORTED, nullptr, "JPEG process with frame header %02x",
                        static_cast<unsigned>(header.marker));
    kin_status status = check_header(frame, header, size, "JPEG", err);
    if (status == KIN_OK)
        status = decode_guarded(frame, header, syntax, bytes, size, out, err);
    if (status == KIN_OK)
        out->colour = jpeg_colour(header, lossless && header.marker == 0xc3);
    return status;
}

extern "C" kin_status kin_dicom_jpeg_ls_decode(const kin_codec_frame *frame, const uint8_t *bytes,
                                               size_t size, kin_codec_samples *out, kin_error *err)
{
    kin_jpeg_header header;
    if (!kin_dicom_jpeg_header_read(bytes, size, &header) || header.marker != 0xf7)
        return kin_fail(err, KIN_E_FORMAT, nullptr, "the frame is no JPEG-LS stream");
    const kin_status status = check_header(frame, header, size, "JPEG-LS", err);
    if (status != KIN_OK)
        return status;
    return decode_guarded(frame, header, EXS_JPEGLSLossless, bytes, size, out, err);
}
