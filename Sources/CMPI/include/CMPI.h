// The part of MPI that l2l uses, in a form that is the same for every implementation.
//
// mpi.h is not included here: Open MPI's handles are pointers to structures, MPICH's are ints, and
// both hide their constants behind macros and casts that Swift can't import. Here a handle is a
// structure of pointer size, a constant is an enumerator or a function, and in-place operation is
// a null send buffer. Every function that calls MPI returns MPI's code, 0 for success.
#ifndef CMPI_H
#define CMPI_H

#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

// MARK: - Handles and constants

/// A communicator; the bits of an MPI_Comm.
typedef struct {
  uintptr_t bits;
} CMPI_Comm;

/// A request; the bits of an MPI_Request. MPI rewrites it when the operation completes.
typedef struct {
  uintptr_t bits;
} CMPI_Request;

/// A matched message that is to be received; the bits of an MPI_Message.
typedef struct {
  uintptr_t bits;
} CMPI_Message;

/// Element types.
enum {
  CMPI_BYTE = 0,
  CMPI_UINT8 = 1,
  CMPI_INT32 = 2,
  CMPI_INT64 = 3,
  CMPI_UINT64 = 4,
  CMPI_FLOAT = 5,
  CMPI_DOUBLE = 6
};

/// Reduction operations.
enum { CMPI_SUM = 0, CMPI_MAX = 1, CMPI_MIN = 2, CMPI_BOR = 3 };

/// Thread levels, in MPI's order.
enum {
  CMPI_THREAD_SINGLE = 0,
  CMPI_THREAD_FUNNELED = 1,
  CMPI_THREAD_SERIALIZED = 2,
  CMPI_THREAD_MULTIPLE = 3
};

enum { CMPI_SUCCESS = 0 };

/// Bytes that a text buffer given to the functions below must hold.
enum { CMPI_TEXT_CAPACITY = 8192 };

CMPI_Comm CMPI_Comm_world(void);
CMPI_Comm CMPI_Comm_self(void);
CMPI_Request CMPI_Request_null(void);

/// Stands for a message from any rank.
int CMPI_Any_source(void);

// MARK: - Environment

int CMPI_Init_thread(int required, int *provided);
int CMPI_Initialized(int *flag);
int CMPI_Finalized(int *flag);
int CMPI_Finalize(void);
int CMPI_Abort(CMPI_Comm comm, int code);
int CMPI_Get_library_version(char *text);
int CMPI_Get_processor_name(char *text);
int CMPI_Error_class(int code, int *error_class);
int CMPI_Error_string(int code, char *text);

/// The CPUs that the calling thread may run on: bit c of mask[c / 64] is set for CPU c.
/// Returns 0, or errno; where the system has no affinity, every online CPU is set.
int CMPI_Affinity(uint64_t *mask, int words);

/// The number of CPUs of this node that are online.
int CMPI_Online_cpus(int *count);

/// This host's name by the system, without MPI.
int CMPI_Hostname(char *text);

/// Lets another thread run.
int CMPI_Yield(void);

/// Sleeps for a number of microseconds, at most a second.
int CMPI_Sleep(unsigned int microseconds);

/// Nanoseconds of a clock that never goes back.
int CMPI_Clock(uint64_t *nanoseconds);

// MARK: - Communicators

/// Makes MPI return codes for errors on a communicator.
int CMPI_Comm_set_errors_return(CMPI_Comm comm);
int CMPI_Comm_rank(CMPI_Comm comm, int *rank);
int CMPI_Comm_size(CMPI_Comm comm, int *size);
int CMPI_Comm_dup(CMPI_Comm comm, CMPI_Comm *result);
/// A negative color gives the null communicator: then *is_null is 1.
int CMPI_Comm_split(CMPI_Comm comm, int color, int key, CMPI_Comm *result, int *is_null);
int CMPI_Comm_split_shared(CMPI_Comm comm, int key, CMPI_Comm *result);
int CMPI_Comm_free(CMPI_Comm *comm);

// MARK: - Collectives. A null `send` means in place.

int CMPI_Ibarrier(CMPI_Comm comm, CMPI_Request *request);
int CMPI_Ibcast(void *buffer, int count, int type, int root, CMPI_Comm comm,
                CMPI_Request *request);
int CMPI_Iallreduce(const void *send, void *receive, int count, int type, int operation,
                    CMPI_Comm comm, CMPI_Request *request);
/// In place at the root only; `receive` is looked at only there.
int CMPI_Ireduce(const void *send, void *receive, int count, int type, int operation, int root,
                 CMPI_Comm comm, CMPI_Request *request);
/// `stride` elements lie between the starts of two ranks' shares of `receive`, `count` or more:
/// so that one share can be gathered in several pieces.
int CMPI_Igather(const void *send, void *receive, int count, int64_t stride, int type, int root,
                 CMPI_Comm comm, CMPI_Request *request);
int CMPI_Iallgather(const void *send, void *receive, int count, int64_t stride, int type,
                    CMPI_Comm comm, CMPI_Request *request);
/// `counts` and `offsets` must stay as they are until the request completes.
int CMPI_Igatherv(const void *send, int count, void *receive, const int *counts,
                  const int *offsets, int type, int root, CMPI_Comm comm, CMPI_Request *request);
int CMPI_Iallgatherv(const void *send, int count, void *receive, const int *counts,
                     const int *offsets, int type, CMPI_Comm comm, CMPI_Request *request);

// MARK: - Messages of bytes

int CMPI_Isend(const void *buffer, int count, int destination, int tag, CMPI_Comm comm,
               CMPI_Request *request);
/// Looks for a message; when *flag is 1, takes it out of the queue for CMPI_Imrecv.
int CMPI_Improbe(int source, int tag, CMPI_Comm comm, int *flag, CMPI_Message *message,
                 int *found_source, int *count);
int CMPI_Imrecv(void *buffer, int count, CMPI_Message *message, CMPI_Request *request);

// MARK: - Requests

/// Makes progress; *flag is 1 when all requests have completed.
int CMPI_Testall(int count, CMPI_Request *requests, int *flag);

#if defined(__cplusplus)
}
#endif

#endif
