#include "features/fisher.h"

#include <math.h>
#include <string.h>

/* Words less likely than this for a patch get nothing of it. */
static const float share_min = 1e-4f;

/* The mixture, laid out so that all words are compared at once: the logarithm of a word's share is,
 * but for a constant of the patch, constant + sum over numbers of (linear * x + square * x * x). */
struct mixture {
    int words, numbers;
    float constant[KIN_FISHER_WORDS_MAX];
    float linear[KIN_FISHER_NUMBERS_MAX][KIN_FISHER_WORDS_MAX];
    float square[KIN_FISHER_NUMBERS_MAX][KIN_FISHER_WORDS_MAX];
};

/* Sums over patches of their shares, and of the shares times their numbers and their squares. */
struct sums {
    double share[KIN_FISHER_WORDS_MAX];
    double first[KIN_FISHER_WORDS_MAX][KIN_FISHER_NUMBERS_MAX];
    double second[KIN_FISHER_WORDS_MAX][KIN_FISHER_NUMBERS_MAX];
};

static void lay_out(const kin_dictionary *dictionary, struct mixture *mixture)
{
    int numbers = dictionary->components + (dictionary->placed ? 2 : 0);
    *mixture = (struct mixture){.words = dictionary->words, .numbers = numbers};
    for (int w = 0; w < dictionary->words; w++) {
        double constant = log(dictionary->weight[w]);
        for (int d = 0; d < numbers; d++) {
            double mean = dictionary->mean[w * numbers + d];
            double variance = dictionary->variance[w * numbers + d];
            constant -= 0.5 * (log(variance) + mean * mean / variance);
            mixture->linear[d][w] = (float)(mean / variance);
            mixture->square[d][w] = (float)(-0.5 / variance);
        }
        mixture->constant[w] = (float)constant;
    }
}

/* numbers = basis' patch - offset, of the patch at column x, row y. */
static void project(const kin_dictionary *dictionary, const kin_field *field, int x, int y,
                    float *numbers)
{
    int components = dictionary->components, run = dictionary->side * dictionary->channels;
    const float *basis = dictionary->basis;
    for (int c = 0; c < components; c++)
        numbers[c] = -dictionary->offset[c];
    for (int row = 0; row < dictionary->side; row++) {
        const float *values =
            field->samples +
            ((size_t)(y + row) * (size_t)field->width + (size_t)x) * (size_t)field->channels;
        for (int i = 0; i < run; i++, basis += components)
            for (int c = 0; c < components; c++)
                numbers[c] += values[i] * basis[c];
    }
}

/* How likely each word is the patch's. */
static void shares_of(const struct mixture *mixture, const float *numbers, float *shares)
{
    int words = mixture->words;
    memcpy(shares, mixture->constant, (size_t)words * sizeof *shares);
    for (int d = 0; d < mixture->numbers; d++) {
        float x = numbers[d], xx = x * x;
        for (int w = 0; w < words; w++)
            shares[w] += mixture->linear[d][w] * x + mixture->square[d][w] * xx;
    }
    float top = shares[0], sum = 0;
    for (int w = 1; w < words; w++)
        top = fmaxf(top, shares[w]);
    for (int w = 0; w < words; w++)
        sum += shares[w] = expf(shares[w] - top);
    for (int w = 0; w < words; w++)
        shares[w] /= sum;
}

static void add(const struct mixture *mixture, const float *numbers, const float *shares,
                struct sums *sums)
{
    for (int w = 0; w < mixture->words; w++) {
        if (shares[w] < share_min)
            continue;
        double share = shares[w];
        sums->share[w] += share;
        for (int d = 0; d < mixture->numbers; d++) {
            double part = share * numbers[d];
            sums->first[w][d] += part;
            sums->second[w][d] += part * numbers[d];
        }
    }
}

/* Equations 12 and 13 of Sánchez, Perronnin, Mensink and Verbeek (2013), then signed roots. */
static void gradients(const kin_dictionary *dictionary, const struct mixture *mixture,
                      const struct sums *sums, size_t patches, float *out)
{
    int words = mixture->words, numbers = mixture->numbers;
    float *second = out + (size_t)words * (size_t)numbers;
    for (int w = 0; w < words; w++) {
        double scale = 1 / (sqrt(dictionary->weight[w]) * (double)patches);
        for (int d = 0; d < numbers; d++) {
            int at = w * numbers + d;
            double mean = dictionary->mean[at], variance = dictionary->variance[at];
            double by_mean = (sums->first[w][d] - mean * sums->share[w]) / sqrt(variance);
            double by_variance = (sums->second[w][d] - 2 * mean * sums->first[w][d] +
                                  (mean * mean - variance) * sums->share[w]) /
                                 variance;
            out[at] = (float)copysign(sqrt(fabs(by_mean * scale)), by_mean);
            second[at] = (float)copysign(sqrt(fabs(by_variance * scale / sqrt(2))), by_variance);
        }
    }
}

static void to_unit_length(float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i] * values[i];
    float scale = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
    for (size_t i = 0; i < count; i++)
        values[i] *= scale;
}

void kin_fisher_encode(const kin_dictionary *dictionary, const kin_field *field, float *out)
{
    struct mixture mixture;
    struct sums sums = {0};
    float numbers[KIN_FISHER_NUMBERS_MAX], shares[KIN_FISHER_WORDS_MAX];
    int last_x = field->width - dictionary->side, last_y = field->height - dictionary->side;
    int across = last_x / dictionary->step + 1, down = last_y / dictionary->step + 1;
    lay_out(dictionary, &mixture);
    for (int j = 0; j < down; j++) {
        for (int i = 0; i < across; i++) {
            project(dictionary, field, i * dictionary->step, j * dictionary->step, numbers);
            if (dictionary->placed) {
                numbers[dictionary->components] = (float)(2 * i + 1) / (float)across - 1;
                numbers[dictionary->components + 1] = (float)(2 * j + 1) / (float)down - 1;
            }
            shares_of(&mixture, numbers, shares);
            add(&mixture, numbers, shares, &sums);
        }
    }
    gradients(dictionary, &mixture, &sums, (size_t)across * (size_t)down, out);
    to_unit_length(out, (size_t)KIN_FISHER_LENGTH(mixture.words, mixture.numbers));
}
