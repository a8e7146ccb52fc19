// Uses the library as a program of its own does, and ends with 1 and a line where it is not as l2l.h
// says. Prints the bits of all parameters after the steps, one number a line.
//
//   steps OPTIMIZER.safetensors
//   steps OPTIMIZER.safetensors --time STEPS     milliseconds of a step on a million parameters
#define _POSIX_C_SOURCE 200809L

#include <l2l.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TENSORS 3
static const int32_t ranks[TENSORS] = {2, 1, 0};
static const int64_t extents[] = {7, 5, 5};
static const size_t counts[TENSORS] = {35, 5, 1};
enum { STEPS = 12, COUNT = 41 };

static void expect(int holds, const char *claim, int line) {
  if (holds) return;
  fprintf(stderr, "line %d: not so: %s (last error: %s)\n", line, claim, l2l_error_text());
  exit(1);
}
#define EXPECT(claim) expect(!!(claim), #claim, __LINE__)

// Values that are the same everywhere: multiples of powers of two.
static float initial(int index) { return (float)((index * 37) % 64 - 32) / 64; }
static float slope(int index, int step) { return (float)((index * 13 + step * 7) % 32 - 16) / 128; }
static float loss_at(int step) { return 2.0f - (float)step / 16; }

typedef struct {
  l2l_state *state;
  float values[TENSORS][35];
  float gradients[TENSORS][35];
} run;

static run *start(const l2l_optimizer *optimizer) {
  run *r = calloc(1, sizeof *r);
  EXPECT(l2l_state_make(optimizer, TENSORS, ranks, extents, 100, &r->state) == L2L_OK);
  int index = 0;
  for (int t = 0; t < TENSORS; t++)
    for (size_t i = 0; i < counts[t]; i++) r->values[t][i] = initial(index++);
  return r;
}

static l2l_status take(run *r, int step) {
  float *parameters[TENSORS];
  const float *gradients[TENSORS];
  int index = 0;
  for (int t = 0; t < TENSORS; t++) {
    for (size_t i = 0; i < counts[t]; i++) r->gradients[t][i] = slope(index++, step);
    parameters[t] = r->values[t];
    gradients[t] = r->gradients[t];
  }
  const float loss = loss_at(step);
  return l2l_state_step(r->state, parameters, gradients, &loss);
}

static void end(run *r) {
  l2l_state_free(r->state);
  free(r);
}

static void *run_alone(void *optimizer) {
  run *r = start(optimizer);
  for (int step = 0; step < STEPS; step++) EXPECT(take(r, step) == L2L_OK);
  return r;
}

static void errors(const l2l_optimizer *optimizer, const char *path) {
  l2l_optimizer *none = (l2l_optimizer *)&none;
  EXPECT(l2l_optimizer_load(NULL, NULL, &none) == L2L_ERROR_ARGUMENT && none == NULL);
  EXPECT(strstr(l2l_error_text(), "path is NULL"));
  EXPECT(l2l_optimizer_load(path, NULL, NULL) == L2L_ERROR_ARGUMENT);
  EXPECT(l2l_optimizer_load(path, "cw", &none) == L2L_ERROR_ARGUMENT);
  EXPECT(l2l_optimizer_load("/no/such/place", NULL, &none) == L2L_ERROR_FILE);
  EXPECT(l2l_optimizer_read("no file at all", 14, &none) == L2L_ERROR_FORMAT);
  EXPECT(l2l_optimizer_pretrained("imagenet", &none) == L2L_ERROR_NAME);
  EXPECT(l2l_optimizer_make("Celo2", NULL, &none) == L2L_ERROR_NAME);
  EXPECT(l2l_optimizer_make("Adam", "{\"rate\":1}", &none) == L2L_ERROR_OPTION);
  EXPECT(l2l_optimizer_make("Adam", "1e", &none) == L2L_ERROR_OPTION);
  l2l_state *state;
  EXPECT(l2l_state_make(NULL, TENSORS, ranks, extents, 0, &state) == L2L_ERROR_ARGUMENT);
  EXPECT(l2l_state_make(optimizer, TENSORS, NULL, extents, 0, &state) == L2L_ERROR_ARGUMENT);
  EXPECT(l2l_state_make(optimizer, TENSORS, ranks, NULL, 0, &state) == L2L_ERROR_ARGUMENT);
  EXPECT(l2l_state_make(optimizer, 0, ranks, extents, 0, &state) == L2L_ERROR_ARGUMENT);
  EXPECT(l2l_state_make(optimizer, TENSORS, ranks, extents, -1, &state) == L2L_ERROR_ARGUMENT);
  const int32_t rank[] = {1};
  const int64_t negative[] = {-1}, huge[] = {INT64_C(1) << 40}, large[] = {INT32_MAX};
  EXPECT(l2l_state_make(optimizer, 1, rank, negative, 0, &state) == L2L_ERROR_SHAPE);
  EXPECT(l2l_state_make(optimizer, 1, rank, huge, 0, &state) == L2L_ERROR_SHAPE);
  EXPECT(l2l_state_make(optimizer, 1, rank, large, 0, &state) == L2L_ERROR_SHAPE);
  EXPECT(state == NULL);

  run *r = start(optimizer);
  EXPECT(l2l_state_step(NULL, NULL, NULL, NULL) == L2L_ERROR_ARGUMENT);
  EXPECT(l2l_state_step(r->state, NULL, NULL, NULL) == L2L_ERROR_ARGUMENT);
  float *parameters[] = {r->values[0], r->values[1], NULL};
  const float *gradients[] = {r->gradients[0], r->gradients[1], r->gradients[2]};
  const float loss = 1;
  EXPECT(l2l_state_step(r->state, parameters, gradients, &loss) == L2L_ERROR_ARGUMENT);
  parameters[2] = (float *)((char *)r->values[2] + 1);
  EXPECT(l2l_state_step(r->state, parameters, gradients, &loss) == L2L_ERROR_ARGUMENT);
  parameters[2] = r->values[2];
  r->gradients[1][3] = NAN;
  EXPECT(l2l_state_step(r->state, parameters, gradients, &loss) == L2L_ERROR_NOT_FINITE);
  r->gradients[1][3] = 0;
  const float infinite = INFINITY;
  EXPECT(l2l_state_step(r->state, parameters, gradients, &infinite) == L2L_ERROR_NOT_FINITE);
  EXPECT(r->values[0][1] == initial(1) && l2l_state_step_count(r->state) == 0);
  r->values[0][0] = NAN;
  EXPECT(l2l_state_step(r->state, parameters, gradients, &loss) == L2L_ERROR_DIVERGED);
  EXPECT(l2l_state_set_option(r->state, "no_such_option", 1) == L2L_ERROR_OPTION);
  EXPECT(l2l_state_set_option(r->state, NULL, 1) == L2L_ERROR_ARGUMENT);
  EXPECT(l2l_state_restore(r->state, "no state", 8) == L2L_ERROR_FORMAT);
  EXPECT(l2l_state_restore(r->state, NULL, 0) == L2L_ERROR_ARGUMENT);
  EXPECT(l2l_state_step_count(NULL) == -1 && l2l_optimizer_weight_count(NULL) == 0);
  EXPECT(l2l_optimizer_net(NULL)[0] == 0 && l2l_optimizer_metadata(optimizer, "no such") == NULL);
  l2l_state_free(NULL);
  l2l_optimizer_free(NULL);
  end(r);
}

static void saving(const l2l_optimizer *optimizer, const run *expected) {
  run *first = start(optimizer), *second = start(optimizer);
  for (int step = 0; step < STEPS / 2; step++) EXPECT(take(first, step) == L2L_OK);
  size_t size = 0, written = 0;
  EXPECT(l2l_state_saved_size(first->state, &size) == L2L_OK && size > 0);
  char *bytes = malloc(size);
  EXPECT(l2l_state_save(first->state, bytes, size - 1, &written) == L2L_ERROR_SIZE);
  EXPECT(l2l_state_save(first->state, bytes, size, &written) == L2L_OK && written == size);
  memcpy(second->values, first->values, sizeof second->values);
  EXPECT(l2l_state_restore(second->state, bytes, size) == L2L_OK);
  EXPECT(l2l_state_step_count(second->state) == STEPS / 2);
  for (int step = STEPS / 2; step < STEPS; step++) EXPECT(take(second, step) == L2L_OK);
  EXPECT(!memcmp(second->values, expected->values, sizeof second->values));
  // A state of other shapes.
  const int32_t rank[] = {1};
  const int64_t extent[] = {3};
  l2l_state *other;
  EXPECT(l2l_state_make(optimizer, 1, rank, extent, 0, &other) == L2L_OK);
  EXPECT(l2l_state_restore(other, bytes, size) == L2L_ERROR_STATE);
  l2l_state_free(other);
  free(bytes);
  end(first);
  end(second);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

// The tensors of `l2l-bench overhead`.
static void time_steps(const l2l_optimizer *optimizer, int steps) {
  const int32_t ranks[] = {2, 1, 2, 1};
  const int64_t extents[] = {784, 1024, 1024, 1024, 200, 200};
  const size_t counts[] = {784 * 1024, 1024, 1024 * 200, 200};
  float *parameters[4], *gradients[4];
  for (int t = 0; t < 4; t++) {
    parameters[t] = malloc(counts[t] * sizeof(float));
    gradients[t] = malloc(counts[t] * sizeof(float));
    for (size_t i = 0; i < counts[t]; i++) {
      parameters[t][i] = (float)rand() / (float)RAND_MAX / 5 - 0.1f;
      gradients[t][i] = (float)rand() / (float)RAND_MAX / 50 - 0.01f;
    }
  }
  l2l_state *state;
  EXPECT(l2l_state_make(optimizer, 4, ranks, extents, 1000, &state) == L2L_OK);
  const float loss = 1;
  for (int repeat = 0; repeat < 6; repeat++) {
    const double start = now();
    for (int step = 0; step < steps; step++)
      EXPECT(l2l_state_step(state, parameters, (const float *const *)gradients, &loss) == L2L_OK);
    if (repeat > 0) printf("%.3f\n", (now() - start) / steps);
  }
  l2l_state_free(state);
}

int main(int count, char **arguments) {
  if (count < 2) return 64;
  EXPECT(l2l_abi_version() == L2L_ABI_VERSION);
  EXPECT(l2l_error_text()[0] == 0);
  l2l_optimizer *optimizer;
  EXPECT(l2l_optimizer_load(arguments[1], NULL, &optimizer) == L2L_OK);
  if (count == 4) {
    time_steps(optimizer, atoi(arguments[3]));
    l2l_optimizer_free(optimizer);
    return 0;
  }
  EXPECT(strstr(l2l_optimizer_description(optimizer), l2l_optimizer_net(optimizer)));
  run *r = run_alone(optimizer);
  errors(optimizer, arguments[1]);
  saving(optimizer, r);

  pthread_t threads[4];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, run_alone, optimizer);
  for (int i = 0; i < 4; i++) {
    void *result;
    pthread_join(threads[i], &result);
    EXPECT(!memcmp(((run *)result)->values, r->values, sizeof r->values));
    end(result);
  }
  // States outlive the optimizer that they were made of.
  run *late = start(optimizer);
  l2l_optimizer_free(optimizer);
  for (int step = 0; step < STEPS; step++) EXPECT(take(late, step) == L2L_OK);
  EXPECT(!memcmp(late->values, r->values, sizeof r->values));
  end(late);

  for (int t = 0; t < TENSORS; t++)
    for (size_t i = 0; i < counts[t]; i++) {
      uint32_t bits;
      memcpy(&bits, &r->values[t][i], sizeof bits);
      printf("%08x\n", bits);
    }
  end(r);
  return 0;
}
