/* Regions in a worker's answers, from a worker that lies: every lie is seen before the sink hears
 * it. */
#include "shared_data.h"

#include <math.h>
#include <string.h>

#include "base/uid.h"
#include "decode/answers.h"

enum { LENGTH = 4, FRAMES = 3 };

typedef Kindred__Worker__V1__Answer kin_answer;

/* What the sink heard. */
static struct {
    int frames, regions;
    size_t marks;
    kin_decode_marked last;
    uint64_t skipped;
    char label[64], tracking_uid[KIN_UID_SIZE];
    size_t area;
} heard;

static kin_status on_header(void *ctx, const kin_decode_header *header, kin_error *err)
{
    (void)ctx;
    (void)header;
    (void)err;
    return KIN_OK;
}

static kin_status on_frame(void *ctx, const kin_decode_frame *frame, kin_error *err)
{
    (void)ctx;
    (void)err;
    heard.frames++;
    heard.marks += frame->region_count;
    if (frame->region_count > 0)
        heard.last = frame->regions[frame->region_count - 1];
    return KIN_OK;
}

static kin_status on_region(void *ctx, kin_region *region, kin_error *err)
{
    (void)ctx;
    (void)err;
    heard.regions++;
    snprintf(heard.label, sizeof heard.label, "%s", region->label);
    snprintf(heard.tracking_uid, sizeof heard.tracking_uid, "%s", region->tracking_uid);
    heard.area = region->shape_count > 0 ? kin_mask_area(&region->shapes[0].mask) : 0;
    return KIN_OK;
}

static void on_skipped(void *ctx, uint64_t shapes)
{
    (void)ctx;
    heard.skipped = shapes;
}

static const kin_decode_sink sink = {
    .header = on_header, .frame = on_frame, .region = on_region, .skipped = on_skipped};

static kin_region wished[] = {{.frame = 0, .number = 11},
                              {.frame = KIN_REGION_ANY_FRAME, .number = 12},
                              {.frame = 2, .number = 13},
                              {.frame = KIN_REGION_ANY_FRAME, .number = 14}};

static kin_answers conversation(kin_decode_wish wish)
{
    memset(&heard, 0, sizeof heard);
    return (kin_answers){.serial = 1,
                         .length = LENGTH,
                         .wish = wish,
                         .max_frames = 10,
                         .mask_pixels = 1000,
                         .builder = kin_header_builder_new(),
                         .sink = &sink};
}

static void end(kin_answers *answers)
{
    kin_answers_release(answers);
    kin_header_builder_free(answers->builder);
}

static kin_status say_header(kin_answers *answers, unsigned frames)
{
    Kindred__Worker__V1__Header body = KINDRED__WORKER__V1__HEADER__INIT;
    kin_answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    body.format = (char *)"dicom";
    body.frames = frames;
    answer.serial = 1;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_HEADER;
    answer.header = &body;
    return kin_answers_take(answers, &answer, NULL);
}

static kin_status say_frame(kin_answers *answers, unsigned index)
{
    static float zeros[LENGTH];
    Kindred__Worker__V1__Frame body = KINDRED__WORKER__V1__FRAME__INIT;
    kin_answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    body.index = index;
    body.width = 20;
    body.height = 10;
    body.n_descriptor = LENGTH;
    body.descriptor = zeros;
    answer.serial = 1;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_FRAME;
    answer.frame = &body;
    return kin_answers_take(answers, &answer, NULL);
}

static kin_status say_done(kin_answers *answers)
{
    Kindred__Worker__V1__Done body = KINDRED__WORKER__V1__DONE__INIT;
    kin_answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    body.message = (char *)"";
    body.skipped = 7;
    answer.serial = 1;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_DONE;
    answer.done = &body;
    return kin_answers_take(answers, &answer, NULL);
}

static Kindred__Worker__V1__Marked mark(unsigned index)
{
    static float values[] = {1, 2, 3, 4};
    Kindred__Worker__V1__Marked body = KINDRED__WORKER__V1__MARKED__INIT;
    body.index = index;
    body.x = 5;
    body.y = 2;
    body.width = 4;
    body.height = 3;
    body.area = 12;
    body.n_descriptor = LENGTH;
    body.descriptor = values;
    return body;
}

static kin_status say_marked(kin_answers *answers, Kindred__Worker__V1__Marked body)
{
    kin_answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    answer.serial = 1;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_MARKED;
    answer.marked = &body;
    return kin_answers_take(answers, &answer, NULL);
}

static kin_status say_lesion(kin_answers *answers, Kindred__Worker__V1__Lesion *body)
{
    kin_answer answer = KINDRED__WORKER__V1__ANSWER__INIT;
    answer.serial = 1;
    answer.body_case = KINDRED__WORKER__V1__ANSWER__BODY_LESION;
    answer.lesion = body;
    return kin_answers_take(answers, &answer, NULL);
}

static void honest_marks_come_with_their_frame(void **state)
{
    (void)state;
    kin_answers a = conversation((kin_decode_wish){.regions = wished, .region_count = 4});
    assert_int_equal(say_header(&a, FRAMES), KIN_OK);
    assert_int_equal(say_marked(&a, mark(0)), KIN_OK);
    assert_int_equal(say_marked(&a, mark(3)), KIN_OK);
    assert_int_equal(heard.frames, 0);
    assert_int_equal(say_frame(&a, 0), KIN_OK);
    assert_int_equal(heard.marks, 2);
    assert_int_equal(heard.last.index, 3);
    assert_int_equal(heard.last.number, 14);
    assert_int_equal(heard.last.area, 12);
    assert_int_equal(say_frame(&a, 1), KIN_OK);
    assert_int_equal(say_marked(&a, mark(2)), KIN_OK);
    assert_int_equal(say_frame(&a, 2), KIN_OK);
    assert_int_equal(heard.marks, 3);
    assert_int_equal(say_done(&a), KIN_OK);
    assert_true(a.done);
    assert_int_equal(heard.skipped, 0); /* no annotation */
    end(&a);
}

/* One lie on a mark of frame 0, after one honest mark (of region 1). */
static void assert_mark_is_seen_through(Kindred__Worker__V1__Marked lie)
{
    kin_answers a = conversation((kin_decode_wish){.regions = wished, .region_count = 4});
    assert_int_equal(say_header(&a, FRAMES), KIN_OK);
    assert_int_equal(say_marked(&a, mark(1)), KIN_OK);
    kin_status status = say_marked(&a, lie);
    if (status == KIN_OK) /* seen when the frame's size is known */
        status = say_frame(&a, 0);
    assert_int_equal(status, KIN_E_INTERNAL);
    assert_false(a.done || a.sink_failed);
    assert_int_equal(heard.frames, 0);
    end(&a);
}

static void lying_marks_are_seen_through(void **state)
{
    (void)state;
    static float not_finite[LENGTH] = {0, 0, NAN, 0};
    static const struct {
        unsigned index, x, y, width, height;
        uint64_t area;
        size_t length;
        bool not_finite;
    } lies[] = {
        {4, 5, 2, 4, 3, 12, LENGTH, false}, /* no such region */
        {1, 5, 2, 4, 3, 12, LENGTH, false}, /* once more */
        {0, 5, 2, 4, 3, 12, LENGTH, false}, /* out of order */
        {2, 5, 2, 4, 3, 12, LENGTH, false}, /* of another frame */
        {3, 5, 2, 0, 3, 12, LENGTH, false}, /* without width */
        {3, 5, 2, 4, 0, 12, LENGTH, false},
        {3, 17, 2, 4, 3, 12, LENGTH, false}, /* beyond the frame */
        {3, 5, 8, 4, 3, 12, LENGTH, false},
        {3, UINT32_MAX, 2, 4, 3, 12, LENGTH, false},
        {3, 5, 2, 4, 3, 13, LENGTH, false}, /* more pixels than the box */
        {3, 5, 2, 4, 3, 0, LENGTH, false},
        {3, 5, 2, 4, 3, 12, LENGTH - 1, false},
        {3, 5, 2, 4, 3, 12, LENGTH, true},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        Kindred__Worker__V1__Marked lie = mark(lies[i].index);
        lie.x = lies[i].x;
        lie.y = lies[i].y;
        lie.width = lies[i].width;
        lie.height = lies[i].height;
        lie.area = lies[i].area;
        lie.n_descriptor = lies[i].length;
        if (lies[i].not_finite)
            lie.descriptor = not_finite;
        assert_mark_is_seen_through(lie);
    }
}

static void marks_have_their_time(void **state)
{
    (void)state;
    kin_answers a = conversation((kin_decode_wish){.regions = wished, .region_count = 4});
    assert_int_equal(say_marked(&a, mark(1)), KIN_E_INTERNAL); /* before the header */
    assert_int_equal(say_header(&a, 1), KIN_OK);
    assert_int_equal(say_frame(&a, 0), KIN_OK);
    assert_int_equal(say_marked(&a, mark(1)), KIN_E_INTERNAL); /* after the last frame */
    end(&a);
    a = conversation((kin_decode_wish){0});
    assert_int_equal(say_header(&a, 1), KIN_OK);
    assert_int_equal(say_marked(&a, mark(0)), KIN_E_INTERNAL); /* nobody asked */
    end(&a);
}

/* Where frames without marks are left out, no other ones are. */
static void frames_are_left_out_only_where_asked(void **state)
{
    (void)state;
    kin_decode_wish wish = {.regions = wished, .region_count = 4};
    kin_answers a = conversation(wish);
    assert_int_equal(say_header(&a, FRAMES), KIN_OK);
    assert_int_equal(say_marked(&a, mark(1)), KIN_OK);
    assert_int_equal(say_frame(&a, 1), KIN_E_INTERNAL);
    end(&a);
    wish.marked_only = true;
    a = conversation(wish);
    assert_int_equal(say_header(&a, FRAMES), KIN_OK);
    assert_int_equal(say_frame(&a, 1), KIN_E_INTERNAL); /* nothing is on it */
    assert_int_equal(say_marked(&a, mark(1)), KIN_OK);
    assert_int_equal(say_frame(&a, FRAMES), KIN_E_INTERNAL);
    assert_int_equal(say_frame(&a, 1), KIN_OK);
    assert_int_equal(say_marked(&a, mark(1)), KIN_OK);
    assert_int_equal(say_frame(&a, 0), KIN_E_INTERNAL); /* back */
    assert_int_equal(say_frame(&a, 1), KIN_E_INTERNAL);
    assert_int_equal(say_done(&a), KIN_E_INTERNAL); /* a mark without its frame */
    assert_int_equal(say_frame(&a, 2), KIN_OK);
    assert_int_equal(say_done(&a), KIN_OK);
    assert_int_equal(heard.frames, 2);
    end(&a);
    a = conversation(wish);
    assert_int_equal(say_header(&a, FRAMES), KIN_OK);
    assert_int_equal(say_done(&a), KIN_OK);
    end(&a);
}

/* An honest lesion of a mask. */
typedef struct lesion {
    Kindred__Worker__V1__Lesion body;
    Kindred__Worker__V1__Shape shape, *shapes[1];
    Kindred__Worker__V1__Plane plane;
    uint32_t runs[3];
    double numbers[12], points[6];
} lesion;

static void make_lesion(lesion *l)
{
    static const double plane[12] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0.5, 0.5, 1};
    kindred__worker__v1__lesion__init(&l->body);
    kindred__worker__v1__shape__init(&l->shape);
    kindred__worker__v1__plane__init(&l->plane);
    memcpy(l->numbers, plane, sizeof plane);
    memset(l->points, 0, sizeof l->points);
    l->runs[0] = 10;
    l->runs[1] = 25;
    l->runs[2] = 5;
    l->plane.n_numbers = 12;
    l->plane.numbers = l->numbers;
    l->shape.kind = KIN_SHAPE_MASK;
    l->shape.width = 20;
    l->shape.height = 10;
    l->shape.n_runs = 3;
    l->shape.runs = l->runs;
    l->shape.plane = &l->plane;
    l->shape.points = l->points;
    l->shapes[0] = &l->shape;
    l->body.label = (char *)" a\nlabel\x1B[31m ";
    l->body.tracking_uid = (char *)"1.2.x";
    l->body.n_shapes = 1;
    l->body.shapes = l->shapes;
}

static void honest_regions_are_heard(void **state)
{
    (void)state;
    lesion l;
    make_lesion(&l);
    kin_answers a = conversation((kin_decode_wish){.annotations = true});
    assert_int_equal(say_header(&a, 0), KIN_OK);
    assert_int_equal(say_lesion(&a, &l.body), KIN_OK);
    assert_int_equal(heard.regions, 1);
    assert_int_equal(heard.area, 25);
    assert_string_equal(heard.label, "a label[31m"); /* cleaned */
    assert_string_equal(heard.tracking_uid, "");
    assert_int_equal(say_frame(&a, 0), KIN_E_INTERNAL); /* an annotation has none */
    assert_int_equal(say_done(&a), KIN_OK);
    assert_int_equal(heard.skipped, 7);
    end(&a);
}

typedef void (*lie)(lesion *l);

static void no_width(lesion *l)
{
    l->shape.width = 0;
}
static void too_wide(lesion *l)
{
    l->shape.width = UINT32_MAX;
}
static void over_the_bound(lesion *l)
{
    l->shape.width = 101;
}
static void too_many_pixels(lesion *l)
{
    l->runs[2] = 166;
}
static void overflowing_runs(lesion *l)
{
    l->runs[2] = UINT32_MAX;
}
static void unknown_kind(lesion *l)
{
    l->shape.kind = 4;
}
static void half_a_plane(lesion *l)
{
    l->plane.n_numbers = 11;
}
static void plane_of_nans(lesion *l)
{
    l->numbers[4] = NAN;
}
static void no_spacing(lesion *l)
{
    l->numbers[9] = 0;
}
static void minus_thickness(lesion *l)
{
    l->numbers[11] = -1;
}
static void far_column(lesion *l)
{
    l->shape.matrix_column = UINT32_MAX;
}
static void odd_outline(lesion *l)
{
    l->shape.kind = KIN_SHAPE_OUTLINE;
    l->shape.n_points = 5;
}
static void pairs_of_triples(lesion *l)
{
    l->shape.kind = KIN_SHAPE_OUTLINE_MM;
    l->shape.n_points = 4;
}
static void no_points(lesion *l)
{
    l->shape.kind = KIN_SHAPE_OUTLINE;
    l->shape.n_points = 0;
}
static void infinite(lesion *l)
{
    l->shape.kind = KIN_SHAPE_OUTLINE;
    l->shape.n_points = 6;
    l->points[3] = INFINITY;
}

static void lying_regions_are_seen_through(void **state)
{
    (void)state;
    static const lie lies[] = {no_width,         too_wide,        over_the_bound, too_many_pixels,
                               overflowing_runs, unknown_kind,    half_a_plane,   plane_of_nans,
                               no_spacing,       minus_thickness, far_column,     odd_outline,
                               pairs_of_triples, no_points,       infinite};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        lesion l;
        make_lesion(&l);
        lies[i](&l);
        kin_answers a = conversation((kin_decode_wish){.annotations = true});
        assert_int_equal(say_header(&a, 0), KIN_OK);
        if (say_lesion(&a, &l.body) != KIN_E_INTERNAL)
            fail_msg("lie %zu was believed", i);
        assert_int_equal(heard.regions, 0);
        end(&a);
    }
}

/* Masks together are bounded, not only each. */
static void masks_together_are_bounded(void **state)
{
    (void)state;
    lesion l;
    make_lesion(&l);
    Kindred__Worker__V1__Shape *many[6];
    for (int i = 0; i < 6; i++)
        many[i] = &l.shape;
    l.body.shapes = many;
    for (size_t count = 5; count <= 6; count++) { /* of 200 pixels each; the bound is 1000 */
        l.body.n_shapes = count;
        kin_answers a = conversation((kin_decode_wish){.annotations = true});
        assert_int_equal(say_header(&a, 0), KIN_OK);
        assert_int_equal(say_lesion(&a, &l.body), count == 5 ? KIN_OK : KIN_E_INTERNAL);
        end(&a);
    }
}

static void regions_have_their_time(void **state)
{
    (void)state;
    lesion l;
    make_lesion(&l);
    kin_answers a = conversation((kin_decode_wish){.annotations = true});
    assert_int_equal(say_lesion(&a, &l.body), KIN_E_INTERNAL); /* before the header */
    assert_int_equal(say_header(&a, 2), KIN_OK);
    assert_int_equal(say_lesion(&a, &l.body), KIN_E_INTERNAL); /* of an image */
    end(&a);
    a = conversation((kin_decode_wish){0});
    assert_int_equal(say_header(&a, 0), KIN_E_INTERNAL); /* nobody asked for annotations */
    end(&a);
}

static void masks_come_one_a_frame(void **state)
{
    (void)state;
    lesion l;
    make_lesion(&l);
    kin_answers a = conversation((kin_decode_wish){.as_mask = true});
    assert_int_equal(say_header(&a, 2), KIN_OK);
    assert_int_equal(say_frame(&a, 0), KIN_E_INTERNAL);
    assert_int_equal(say_lesion(&a, &l.body), KIN_OK);
    assert_int_equal(say_lesion(&a, &l.body), KIN_E_INTERNAL); /* the first once more */
    assert_int_equal(say_done(&a), KIN_E_INTERNAL);            /* one is missing */
    l.body.frame = 1;
    l.body.n_shapes = 0;
    assert_int_equal(say_lesion(&a, &l.body), KIN_E_INTERNAL);
    l.body.n_shapes = 1;
    assert_int_equal(say_lesion(&a, &l.body), KIN_OK);
    l.body.frame = 2;
    assert_int_equal(say_lesion(&a, &l.body), KIN_E_INTERNAL);
    assert_int_equal(say_done(&a), KIN_OK);
    assert_int_equal(heard.regions, 2);
    end(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_marks_come_with_their_frame),
        cmocka_unit_test(lying_marks_are_seen_through),
        cmocka_unit_test(marks_have_their_time),
        cmocka_unit_test(frames_are_left_out_only_where_asked),
        cmocka_unit_test(honest_regions_are_heard),
        cmocka_unit_test(lying_regions_are_seen_through),
        cmocka_unit_test(masks_together_are_bounded),
        cmocka_unit_test(regions_have_their_time),
        cmocka_unit_test(masks_come_one_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
