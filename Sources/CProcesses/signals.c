#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "CProcesses.h"

static atomic_int first;
static char notice_text[CPROC_NOTICE_CAPACITY];
static volatile sig_atomic_t notice_length;
static int watched[CPROC_MOST_SIGNALS];
static struct sigaction before[CPROC_MOST_SIGNALS];
static int watched_count;
static int is_watching;

// A standard error that takes nothing now, a stopped terminal or a full pipe, must not hold the
// handler up.
static void write_notice(void) {
  struct pollfd entry = {STDERR_FILENO, POLLOUT, 0};
  if (notice_length > 0 && poll(&entry, 1, 0) == 1 && (entry.revents & POLLOUT) != 0) {
    ssize_t written = write(STDERR_FILENO, notice_text, (size_t)notice_length);
    (void)written;
  }
}

static void note(int number) {
  int code = errno;
  int none = 0;
  if (atomic_compare_exchange_strong(&first, &none, number)) {
    write_notice();
  } else if (number == SIGINT) {
    // Launchers repeat SIGTERM; only a person's second Ctrl-C means what it says.
    sigset_t set;
    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
  }
  errno = code;
}

int cproc_watch(const int *signals, int count, const char *notice) {
  if (is_watching) return EBUSY;
  if (count > CPROC_MOST_SIGNALS) return E2BIG;
  is_watching = 1;
  atomic_store(&first, 0);
  notice_length = 0;
  if (notice != NULL) {
    size_t length = strnlen(notice, sizeof notice_text);
    memcpy(notice_text, notice, length);
    notice_length = (sig_atomic_t)length;
  }
  watched_count = 0;
  for (int i = 0; i < count; i++) {
    struct sigaction old, action;
    memset(&action, 0, sizeof action);
    // Whoever started the program with the signal ignored (nohup, `&` in a script) wants it so.
    if (sigaction(signals[i], NULL, &old) != 0 || old.sa_handler == SIG_IGN) continue;
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    if (sigaction(signals[i], &action, NULL) != 0) continue;
    watched[watched_count] = signals[i];
    before[watched_count] = old;
    watched_count++;
  }
  // Programs that block signals in their threads hand the mask down to what they start.
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < watched_count; i++) sigaddset(&set, watched[i]);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  return 0;
}

void cproc_unwatch(void) {
  for (int i = 0; i < watched_count; i++) sigaction(watched[i], &before[i], NULL);
  watched_count = 0;
  is_watching = 0;
}

int cproc_first_signal(void) { return atomic_load(&first); }

extern char **environ;

char *const *cproc_environment(void) { return environ; }
