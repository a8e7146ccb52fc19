// Notes signals in a handler that calls only what signal-safety(7) allows.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/// The most signals that are watched, and bytes of the notice.
enum { CPROC_MOST_SIGNALS = 16, CPROC_NOTICE_CAPACITY = 256 };

/// Starts to watch the signals, but those that this process ignores. Returns 0, or an errno: EBUSY
/// while signals are watched already, E2BIG for too many. When the first signal comes, `notice` is
/// written to standard error if there is room for it; NULL writes nothing.
int cproc_watch(const int *signals, int count, const char *notice);

/// Ends watching: the signals do what they did before.
void cproc_unwatch(void);

/// The first signal that came since watching began, 0 before one did.
int cproc_first_signal(void);

/// Starts a program in a process group of its own, with signals as they are by default, an empty
/// standard input, and none of this process's other descriptors. Returns 0, or an errno.
///
/// `folder` is the current folder, NULL for this process's; `environment` NULL for this process's;
/// `output` and `errors` are descriptors, -1 for none.
int cproc_spawn(
    int *process, const char *program, char *const *arguments, char *const *environment,
    const char *folder, int output, int errors);

/// The environment that a child gets: the system's variable is no constant, which Swift minds.
char *const *cproc_environment(void);

#ifdef __cplusplus
}
#endif
