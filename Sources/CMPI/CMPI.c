// See CMPI.h. Each function turns CMPI's handles and constants into MPI's and calls one MPI
// function; there is no other state and no other decision here.
#include "CMPI.h"

#include <mpi.h>
#include <string.h>

_Static_assert(sizeof(MPI_Comm) <= sizeof(CMPI_Comm), "an MPI_Comm must fit into a CMPI_Comm");
_Static_assert(sizeof(MPI_Request) <= sizeof(CMPI_Request), "an MPI_Request must fit");
_Static_assert(sizeof(MPI_Message) <= sizeof(CMPI_Message), "an MPI_Message must fit");
_Static_assert(MPI_SUCCESS == CMPI_SUCCESS, "0 must mean success");
_Static_assert(MPI_MAX_ERROR_STRING <= CMPI_TEXT_CAPACITY, "an error text must fit");
_Static_assert(MPI_MAX_PROCESSOR_NAME <= CMPI_TEXT_CAPACITY, "a host name must fit");
_Static_assert(MPI_MAX_LIBRARY_VERSION_STRING <= CMPI_TEXT_CAPACITY, "a version must fit");
_Static_assert(sizeof(int) == 4 && sizeof(float) == 4 && sizeof(double) == 8,
               "Swift's Int32, Float and Double are C's int, float and double");

// MARK: - Handles

// memcpy rather than a cast: a handle is a pointer in one MPI and an int in another.
#define CMPI_HANDLE(CMPI, MPI, name)                                                              \
  static inline MPI name##_in(CMPI handle) {                                                      \
    MPI result;                                                                                   \
    memcpy(&result, &handle.bits, sizeof result);                                                 \
    return result;                                                                                \
  }                                                                                               \
  static inline CMPI name##_out(MPI handle) {                                                     \
    CMPI result = {0};                                                                            \
    memcpy(&result.bits, &handle, sizeof handle);                                                 \
    return result;                                                                                \
  }

CMPI_HANDLE(CMPI_Comm, MPI_Comm, comm)
CMPI_HANDLE(CMPI_Request, MPI_Request, request)
CMPI_HANDLE(CMPI_Message, MPI_Message, message)

// An unknown type or operation becomes MPI's null handle: MPI then returns MPI_ERR_TYPE or _OP.
static MPI_Datatype datatype(int type) {
  switch (type) {
  case CMPI_BYTE: return MPI_BYTE;
  case CMPI_UINT8: return MPI_UINT8_T;
  case CMPI_INT32: return MPI_INT32_T;
  case CMPI_INT64: return MPI_INT64_T;
  case CMPI_UINT64: return MPI_UINT64_T;
  case CMPI_FLOAT: return MPI_FLOAT;
  case CMPI_DOUBLE: return MPI_DOUBLE;
  default: return MPI_DATATYPE_NULL;
  }
}

static MPI_Op operator_of(int operation) {
  switch (operation) {
  case CMPI_SUM: return MPI_SUM;
  case CMPI_MAX: return MPI_MAX;
  case CMPI_MIN: return MPI_MIN;
  case CMPI_BOR: return MPI_BOR;
  default: return MPI_OP_NULL;
  }
}

// MPI_IN_PLACE is a cast of an integer in both implementations; `const` is dropped since MPI only
// reads a send buffer.
static void *in_place(const void *send) { return send ? (void *)send : MPI_IN_PLACE; }

CMPI_Comm CMPI_Comm_world(void) { return comm_out(MPI_COMM_WORLD); }
CMPI_Comm CMPI_Comm_self(void) { return comm_out(MPI_COMM_SELF); }
CMPI_Request CMPI_Request_null(void) { return request_out(MPI_REQUEST_NULL); }
int CMPI_Any_source(void) { return MPI_ANY_SOURCE; }

// MARK: - Environment

int CMPI_Init_thread(int required, int *provided) {
  static const int levels[] = {MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED,
                               MPI_THREAD_MULTIPLE};
  if (required < CMPI_THREAD_SINGLE || required > CMPI_THREAD_MULTIPLE) return MPI_ERR_ARG;
  int level = MPI_THREAD_SINGLE;
  int code = MPI_Init_thread(NULL, NULL, levels[required], &level);
  *provided = CMPI_THREAD_SINGLE;
  for (int i = CMPI_THREAD_SINGLE; i <= CMPI_THREAD_MULTIPLE; i++)
    if (levels[i] == level) *provided = i;
  return code;
}

int CMPI_Initialized(int *flag) { return MPI_Initialized(flag); }
int CMPI_Finalized(int *flag) { return MPI_Finalized(flag); }
int CMPI_Finalize(void) { return MPI_Finalize(); }
int CMPI_Abort(CMPI_Comm comm, int code) { return MPI_Abort(comm_in(comm), code); }

int CMPI_Get_library_version(char *text) {
  int length = 0;
  return MPI_Get_library_version(text, &length);
}

int CMPI_Get_processor_name(char *text) {
  int length = 0;
  return MPI_Get_processor_name(text, &length);
}

int CMPI_Error_class(int code, int *error_class) { return MPI_Error_class(code, error_class); }

int CMPI_Error_string(int code, char *text) {
  int length = 0;
  return MPI_Error_string(code, text, &length);
}

// MARK: - Communicators

int CMPI_Comm_set_errors_return(CMPI_Comm comm) {
  return MPI_Comm_set_errhandler(comm_in(comm), MPI_ERRORS_RETURN);
}

int CMPI_Comm_rank(CMPI_Comm comm, int *rank) { return MPI_Comm_rank(comm_in(comm), rank); }
int CMPI_Comm_size(CMPI_Comm comm, int *size) { return MPI_Comm_size(comm_in(comm), size); }

int CMPI_Comm_dup(CMPI_Comm comm, CMPI_Comm *result) {
  MPI_Comm made = MPI_COMM_NULL;
  int code = MPI_Comm_dup(comm_in(comm), &made);
  *result = comm_out(made);
  return code;
}

int CMPI_Comm_split(CMPI_Comm comm, int color, int key, CMPI_Comm *result, int *is_null) {
  MPI_Comm made = MPI_COMM_NULL;
  int code = MPI_Comm_split(comm_in(comm), color < 0 ? MPI_UNDEFINED : color, key, &made);
  *result = comm_out(made);
  *is_null = made == MPI_COMM_NULL;
  return code;
}

int CMPI_Comm_split_shared(CMPI_Comm comm, int key, CMPI_Comm *result) {
  MPI_Comm made = MPI_COMM_NULL;
  int code =
      MPI_Comm_split_type(comm_in(comm), MPI_COMM_TYPE_SHARED, key, MPI_INFO_NULL, &made);
  *result = comm_out(made);
  return code;
}

int CMPI_Comm_free(CMPI_Comm *comm) {
  MPI_Comm handle = comm_in(*comm);
  int code = MPI_Comm_free(&handle);
  *comm = comm_out(handle);
  return code;
}

// MARK: - Collectives

int CMPI_Ibarrier(CMPI_Comm comm, CMPI_Request *request) {
  MPI_Request made = MPI_REQUEST_NULL;
  int code = MPI_Ibarrier(comm_in(comm), &made);
  *request = request_out(made);
  return code;
}

int CMPI_Ibcast(void *buffer, int count, int type, int root, CMPI_Comm comm,
                CMPI_Request *request) {
  MPI_Request made = MPI_REQUEST_NULL;
  int code = MPI_Ibcast(buffer, count, datatype(type), root, comm_in(comm), &made);
  *request = request_out(made);
  return code;
}

int CMPI_Iallreduce(const void *send, void *receive, int count, int type, int operation,
                    CMPI_Comm comm, CMPI_Request *request) {
  MPI_Request made = MPI_REQUEST_NULL;
  int code = MPI_Iallreduce(in_place(send), receive, count, datatype(type),
                            operator_of(operation), comm_in(comm), &made);
  *request = request_out(made);
  return code;
}

int CMPI_Ireduce(const void *send, void *receive, int count, int type, int operation, int root,
                 CMPI_Comm comm, CMPI_Request *request) {
  MPI_Request made = MPI_REQUEST_NULL;
  int code = MPI_Ireduce(in_place(send), receive, count, datatype(type), operator_of(operation),
                         root, comm_in(comm), &made);
  *request = request_out(made);
  return code;
}

// One rank's share of a gather: `count` elements, with the next share `stride` elements later.
static int share(int count, int64_t stride, MPI_Datatype type, MPI_Datatype *result) {
  MPI_Aint lower = 0, extent = 0;
  MPI_Datatype block = MPI_DATATYPE_NULL;
  int code = MPI_Type_get_extent(type, &lower, &extent);
  if (code == MPI_SUCCESS) code = MPI_Type_contiguous(count, type, &block);
  if (code == MPI_SUCCESS)
    code = MPI_Type_create_resized(block, 0, (MPI_Aint)stride * extent, result);
  if (code == MPI_SUCCESS) code = MPI_Type_commit(result);
  if (block != MPI_DATATYPE_NULL) MPI_Type_free(&block);
  return code;
}

int CMPI_Igather(const void *send, void *receive, int count, int64_t stride, int type, int root,
                 CMPI_Comm comm, CMPI_Request *request) {
  MPI_Request made = MPI_REQUEST_NULL;
  MPI_Datatype element = datatype(type), shares = MPI_DATATYPE_NULL;
  int code;
  if (stride == count) {
    code = MPI_Igather(in_place(send), count, element, receive, count, element, root,
                       comm_in(comm), &made);
  } else {
    code = share(count, stride, element, &shares);
    if (code == MPI_SUCCESS)
      code = MPI_Igather(in_place(send), count, element, receive, 1, shares, root, comm_in(comm),
                         &made);
    // MPI keeps the type until the operation is done.
    if (shares != MPI_DATATYPE_NULL) MPI_Type_free(&shares);
  }
  *request = request_out(made);
  return code;
}

int CMPI_Iallgather(const void *send, void *receive, int count, int64_t stride, int type,
                    CMPI_Comm comm, CMPI_Request *request) {
  MPI_Request made = MPI_REQUEST_NULL;
  MPI_Datatype element = datatype(type), shares = MPI_DATATYPE_NULL;
  int code;
  if (stride == count) {
    code = MPI_Iallgather(in_place(send), count, element, receive, count, element, comm_in(comm),
                          &made);
  } else {
    code = share(count, stride, element, &shares);
    if (code == MPI_SUCCESS)
      code =
          MPI_Iallgather(in_place(send), count, element, receive, 1, shares, comm_in(comm), &made);
    if (shares != MPI_DATATYPE_NULL) MPI_Type_free(&shares);
  }
  *request = request_out(made);
  return code;
}

int CMPI_Igatherv(const void *send, int count, void *receive, const int *counts,
                  const int *offsets, int type, int root, CMPI_Comm comm, CMPI_Request *request) {
  MPI_Request made = MPI_REQUEST_NULL;
  int code = MPI_Igatherv(in_place(send), count, datatype(type), receive, counts, offsets,
                          datatype(type), root, comm_in(comm), &made);
  *request = request_out(made);
  return code;
}

int CMPI_Iallgatherv(const void *send, int count, void *receive, const int *counts,
                     const int *offsets, int type, CMPI_Comm comm, CMPI_Request *request) {
  MPI_Request made = MPI_REQUEST_NULL;
  int code = MPI_Iallgatherv(in_place(send), count, datatype(type), receive, counts, offsets,
                             datatype(type), comm_in(comm), &made);
  *request = request_out(made);
  return code;
}

// MARK: - Messages

int CMPI_Isend(const void *buffer, int count, int destination, int tag, CMPI_Comm comm,
               CMPI_Request *request) {
  MPI_Request made = MPI_REQUEST_NULL;
  int code = MPI_Isend(buffer, count, MPI_BYTE, destination, tag, comm_in(comm), &made);
  *request = request_out(made);
  return code;
}

int CMPI_Improbe(int source, int tag, CMPI_Comm comm, int *flag, CMPI_Message *message,
                 int *found_source, int *count) {
  MPI_Message found = MPI_MESSAGE_NULL;
  MPI_Status status;
  int code = MPI_Improbe(source, tag, comm_in(comm), flag, &found, &status);
  if (code == MPI_SUCCESS && *flag) {
    *found_source = status.MPI_SOURCE;
    code = MPI_Get_count(&status, MPI_BYTE, count);
  }
  *message = message_out(found);
  return code;
}

int CMPI_Imrecv(void *buffer, int count, CMPI_Message *message, CMPI_Request *request) {
  MPI_Message handle = message_in(*message);
  MPI_Request made = MPI_REQUEST_NULL;
  int code = MPI_Imrecv(buffer, count, MPI_BYTE, &handle, &made);
  *message = message_out(handle);
  *request = request_out(made);
  return code;
}

// MARK: - Requests

int CMPI_Testall(int count, CMPI_Request *requests, int *flag) {
  // One at a time, which is also right where MPI's handle is smaller than CMPI's. A completed
  // request is null, and testing that again succeeds at once.
  *flag = 1;
  for (int i = 0; i < count; i++) {
    MPI_Request handle = request_in(requests[i]);
    int done = 0;
    int code = MPI_Test(&handle, &done, MPI_STATUS_IGNORE);
    requests[i] = request_out(handle);
    if (code != MPI_SUCCESS) return code;
    *flag &= done;
  }
  return MPI_SUCCESS;
}
