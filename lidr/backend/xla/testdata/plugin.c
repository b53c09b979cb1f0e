// A PJRT plugin that has one device, holds no data and stops where XLA would compile: what comes that far has been
// translated to StableHLO by go-xla.
#include <stdlib.h>
#include <string.h>

#include "pjrt_c_api.h"

struct PJRT_Error { int unused; };
static PJRT_Error stopped;
static char object[64]; // the client, the device and every event
static PJRT_Device* devices[] = {(PJRT_Device*)object};
typedef struct { PJRT_Buffer_Type type; size_t rank; int64_t dims[8]; } Buffer;

static void message(PJRT_Error_Message_Args* a) { a->message = "stopped before XLA compiles"; a->message_size = strlen(a->message); }
static PJRT_Error* client(PJRT_Client_Create_Args* a) { a->client = (PJRT_Client*)object; return NULL; }
static PJRT_Error* addressable(PJRT_Client_AddressableDevices_Args* a) {
  a->addressable_devices = devices;
  a->num_addressable_devices = 1;
  return NULL;
}
static PJRT_Error* isAddressable(PJRT_Device_IsAddressable_Args* a) { a->is_addressable = true; return NULL; }
static PJRT_Error* fromHost(PJRT_Client_BufferFromHostBuffer_Args* a) {
  Buffer* b = calloc(1, sizeof *b);
  b->type = a->type;
  b->rank = a->num_dims;
  memcpy(b->dims, a->dims, a->num_dims * sizeof *a->dims);
  a->buffer = (PJRT_Buffer*)b;
  a->done_with_host_buffer = (PJRT_Event*)object;
  return NULL;
}
static PJRT_Error* dimensions(PJRT_Buffer_Dimensions_Args* a) { a->dims = ((Buffer*)a->buffer)->dims; a->num_dims = ((Buffer*)a->buffer)->rank; return NULL; }
static PJRT_Error* elementType(PJRT_Buffer_ElementType_Args* a) { a->type = ((Buffer*)a->buffer)->type; return NULL; }
static PJRT_Error* deviceOf(PJRT_Buffer_Device_Args* a) { a->device = devices[0]; return NULL; }
static PJRT_Error* compile(PJRT_Client_Compile_Args* a) { return &stopped; }
static PJRT_Error* nothing(void* a) { return NULL; } // go-xla gives zeroed arguments

const PJRT_Api* GetPjrtApi(void) {
  static PJRT_Api api;
  for (void** f = (void**)&api.PJRT_Error_Destroy; (char*)f < (char*)(&api + 1); f++) *f = (void*)nothing;
  api.struct_size = sizeof api;
  api.PJRT_Error_Message = message;
  api.PJRT_Client_Create = client;
  api.PJRT_Client_AddressableDevices = addressable;
  api.PJRT_Device_IsAddressable = isAddressable;
  api.PJRT_Client_BufferFromHostBuffer = fromHost;
  api.PJRT_Buffer_Dimensions = dimensions;
  api.PJRT_Buffer_ElementType = elementType;
  api.PJRT_Buffer_Device = deviceOf;
  api.PJRT_Client_Compile = compile;
  return &api;
}
