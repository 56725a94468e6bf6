#!/usr/bin/env python3
"""Expected numbers of test_annotations.c, by pydicom and numpy instead of our readers.

    python3 annotations_reference.py SHARED_DATA/dicom [test_annotations.c]

prints the tables that test_annotations.c has, and with its name fails unless they are in it.  For a segmentation, a line has the file, the number
of (frame, segment, source image) triples whose mask has pixels, the sum of their pixels, and a
digest of all: FNV-1a (64 bits) over, for each of them, "number|UID|frame|" (frame from 0, or -1) and
the mask, one byte 0 or 1 a pixel.  Pixels come from pydicom's pixel_array; which are inside, and the
order, is written out below from PS3.3 C.8.20.2.  For a structure set's contours on one CT image,
pixels are tested one by one against all edges of all contours, by a ray that goes down.

Needs pydicom, numpy, and zstd for the files that are compressed.
"""
import io
import os
import re
import subprocess
import sys

SKIPPED = 77  # to ctest

try:
    import numpy
    import pydicom
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(SKIPPED)

SEGMENTATIONS = [
    "wsi-and-seg/seg_image_cr_binary.dcm",
    "wsi-and-seg/seg_image_ct_binary.dcm",
    "wsi-and-seg/seg_image_ct_binary_fractional.dcm",
    "wsi-and-seg/seg_image_ct_true_fractional.dcm",
    "wsi-and-seg/seg_image_ct_binary_overlap.dcm",
    "wsi-and-seg/seg_image_ct_binary_single_frame.dcm",
    "wsi-and-seg/seg_image_sm_control.dcm",
    "wsi-and-seg/seg_image_sm_control_labelmap.dcm",
    "wsi-and-seg/seg_image_sm_control_labelmap_palette_color.dcm",
    "wsi-and-seg/seg_image_sm_dots.dcm",
    "wsi-and-seg/seg_image_sm_dots_tiled_full.dcm",
    "wsi-and-seg/seg_image_sm_numbers.dcm",
    "dcmqi/segmentations/23x38x3/seg/label.seg.zst",
    "dcmqi/segmentations/24x38x3/seg/label.seg.zst",
    "dcmqi/segmentations/liver.dcm.zst",
    "dcmqi/segmentations/partial_overlaps.dcm.zst",
    "dcmqi/sr-example/seg.dcm.zst",
]
PRIME, MASK = 0x100000001B3, (1 << 64) - 1


def fnv(digest, data):
    for byte in data:
        digest = ((digest ^ byte) * PRIME) & MASK
    return digest


def read(path):
    if not path.endswith(".zst"):
        return pydicom.dcmread(path)
    plain = subprocess.run(["zstd", "-qdc", path], check=True, stdout=subprocess.PIPE).stdout
    return pydicom.dcmread(io.BytesIO(plain))


def frames_of(seg):
    """(segment number, mask, [(UID, frame)]) for each mask with pixels, in order."""
    pixels = seg.pixel_array.reshape(-1, seg.Rows, seg.Columns)
    groups = seg.get("PerFrameFunctionalGroupsSequence")
    whole = [s.ReferencedSOPInstanceUID for s in seg.get("SourceImageSequence", [])]
    tiles = len(pixels) // len(seg.SegmentSequence)  # of a TILED_FULL one
    for index, frame in enumerate(pixels):
        sources = [(whole[0], -1)] if len(whole) == 1 else []
        if groups is not None and "DerivationImageSequence" in groups[index]:
            images = groups[index].DerivationImageSequence[0].SourceImageSequence
            sources = [(i.ReferencedSOPInstanceUID, int(i.get("ReferencedFrameNumber", 0)) - 1)
                       for i in images]
        if seg.SegmentationType == "LABELMAP":
            background = seg.get("PixelPaddingValue", 0)
            for label in numpy.unique(frame):
                if label != background:
                    yield int(label), frame == label, sources
            continue
        if groups is not None:
            number = groups[index].SegmentIdentificationSequence[0].ReferencedSegmentNumber
        else:
            number = seg.SegmentSequence[index // tiles].SegmentNumber
        if seg.SegmentationType == "FRACTIONAL":
            mask = 2 * frame.astype(int) >= seg.MaximumFractionalValue
        else:
            mask = frame > 0
        if mask.any():
            yield number, mask, sources


def segmentation_line(root, name):
    digest, count, area = 0xCBF29CE484222325, 0, 0
    for number, mask, sources in frames_of(read(root + "/" + name)):
        for uid, frame in sources:
            digest = fnv(digest, f"{number}|{uid}|{frame}|".encode())
            digest = fnv(digest, mask.astype(numpy.uint8).tobytes())
            count += 1
            area += int(mask.sum())
    return f'    {{"{name}", {count}, {area}, UINT64_C(0x{digest:016x})}},'


def even_odd(contours, width, height):
    """Pixels whose centre an odd number of edges lies above of."""
    x, y = numpy.meshgrid(numpy.arange(width) + 0.5, numpy.arange(height) + 0.5)
    inside = numpy.zeros((height, width), bool)
    for points in contours:
        for (ax, ay), (bx, by) in zip(points, numpy.roll(points, -1, axis=0)):
            if ax != bx:
                crosses = (ax > x) != (bx > x)
                inside ^= crosses & (y < ay + (x - ax) * (by - ay) / (bx - ax))
    return inside


def contours_on(structures, image):
    """ROI number: [points in pixels of image, 0.5 at the centre of the first]."""
    origin = numpy.array(image.ImagePositionPatient, float)
    row, column = numpy.array(image.ImageOrientationPatient, float).reshape(2, 3)
    down, right = (float(v) for v in image.PixelSpacing)
    out = {}
    for roi in structures.ROIContourSequence:
        for contour in roi.get("ContourSequence", []):
            named = contour.get("ContourImageSequence")
            if named is None or named[0].ReferencedSOPInstanceUID != image.SOPInstanceUID:
                continue
            away = numpy.array(contour.ContourData, float).reshape(-1, 3) - origin
            points = numpy.stack([away @ row / right + 0.5, away @ column / down + 0.5], axis=1)
            out.setdefault(int(roi.ReferencedROINumber), []).append(points)
    return out


def tables(root):
    """Lines to print, and what of them the test must have."""
    for name in SEGMENTATIONS:
        line = segmentation_line(root, name)
        yield line, line.strip(" ,")
    image = read(root + "/dicompyler/ct.0.dcm")
    structures = read(root + "/dicompyler/rtss.dcm")
    for number, contours in contours_on(structures, image).items():
        mask = even_odd(contours, image.Columns, image.Rows)
        ys, xs = numpy.nonzero(mask)
        digest = fnv(0xCBF29CE484222325, mask.astype(numpy.uint8).tobytes())
        yield (f"ROI {number}: {len(contours)} contours, {mask.sum()} pixels, box {xs.min()} "
               f"{ys.min()} {xs.max()} {ys.max()}, digest 0x{digest:016x}",
               f"UINT64_C(0x{digest:016x})")


def main(root, test=None):
    if not os.path.isdir(root):
        print(f"skipped: no {root}")
        return SKIPPED
    source = ""
    if test is not None:
        with open(test, encoding="utf-8") as file:
            source = re.sub(r"\s+", "", file.read())
    missing = 0
    for line, wanted in tables(root):
        lacks = test is not None and re.sub(r"\s+", "", wanted) not in source
        missing += lacks
        print(line + (" is not in the test" if lacks else ""))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
