// The tensor layout of the DLPack exchange format, version 1.3, as this API uses it.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DLPACK_MAJOR_VERSION 1
#define DLPACK_MINOR_VERSION 3
#define DLPACK_FLAG_BITMASK_READ_ONLY 1UL
#define DLPACK_FLAG_BITMASK_IS_COPIED 2UL
#define DLPACK_FLAG_BITMASK_IS_SUBBYTE_TYPE_PADDED 4UL

/** Version of the exchange format. */
typedef struct DLPackVersion {
    uint32_t major;
    uint32_t minor;
} DLPackVersion;

/** Where tensor memory lives. This API uses kDLCPU and kDLCUDA. */
typedef enum DLDeviceType {
    kDLCPU         = 1,
    kDLCUDA        = 2,
    kDLCUDAHost    = 3, /**< Pinned host memory. */
    kDLOpenCL      = 4,
    kDLVulkan      = 7,
    kDLMetal       = 8,
    kDLVPI         = 9,
    kDLROCM        = 10,
    kDLROCMHost    = 11,
    kDLExtDev      = 12,
    kDLCUDAManaged = 13,
    kDLOneAPI      = 14,
    kDLWebGPU      = 15,
    kDLHexagon     = 16,
    kDLMAIA        = 17,
    kDLTrn         = 18,
} DLDeviceType;

/** What the bits of an element mean. */
typedef enum DLDataTypeCode {
    kDLInt                = 0,
    kDLUInt               = 1,
    kDLFloat              = 2,
    kDLOpaqueHandle       = 3, /**< A handle in place of elements, e.g. a CUDA array. */
    kDLBfloat             = 4,
    kDLComplex            = 5,
    kDLBool               = 6,
    kDLFloat8_e3m4        = 7,
    kDLFloat8_e4m3        = 8,
    kDLFloat8_e4m3b11fnuz = 9,
    kDLFloat8_e4m3fn      = 10,
    kDLFloat8_e4m3fnuz    = 11,
    kDLFloat8_e5m2        = 12,
    kDLFloat8_e5m2fnuz    = 13,
    kDLFloat8_e8m0fnu     = 14,
    kDLFloat6_e2m3fn      = 15,
    kDLFloat6_e3m2fn      = 16,
    kDLFloat4_e2m1fn      = 17,
} DLDataTypeCode;

/** One device. device_id counts the devices of that type that are visible to the process. */
typedef struct DLDevice {
    DLDeviceType device_type;
    int32_t device_id;
} DLDevice;

/** Type of one element: lanes values of the given code and bits. */
typedef struct DLDataType {
    uint8_t code;
    uint8_t bits;
    uint16_t lanes;
} DLDataType;

/** A view of memory that somebody else owns. */
typedef struct DLTensor {
    void *data; /**< Device address; elements start byte_offset after it. */
    DLDevice device;
    int32_t ndim; /**< Entries in shape. */
    DLDataType dtype;
    int64_t *shape;
    int64_t *strides; /**< In elements, not bytes; NULL = compact, last index fastest. */
    uint64_t byte_offset;
} DLTensor;

/** A tensor with an owner: call deleter(self), when there is one, to be done with it. */
typedef struct DLManagedTensor {
    DLTensor dl_tensor;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

/** The same with a format version and DLPACK_FLAG_ bits. */
typedef struct DLManagedTensorVersioned {
    DLPackVersion version;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    DLTensor dl_tensor;
} DLManagedTensorVersioned;

/**
 * Allocates a tensor like prototype. 0, or -1 after calling SetError(error_ctx, kind, message).
 */
typedef int (*DLPackManagedTensorAllocator)(DLTensor *prototype, DLManagedTensorVersioned **out,
                                            void *error_ctx,
                                            void (*SetError)(void *error_ctx, const char *kind,
                                                             const char *message));

/** A managed tensor from a Python object, without waiting for its stream. 0 or -1. */
typedef int (*DLPackManagedTensorFromPyObjectNoSync)(void *py_object, DLManagedTensorVersioned **out);

/** A borrowed view of a Python object. 0 or -1. */
typedef int (*DLPackDLTensorFromPyObjectNoSync)(void *py_object, DLTensor *out);

/** The stream that work on a device is being put on. 0 or -1. */
typedef int (*DLPackCurrentWorkStream)(DLDeviceType device_type, int32_t device_id,
                                       void **out_current_stream);

/** A Python object that takes the tensor over. 0 or -1. */
typedef int (*DLPackManagedTensorToPyObjectNoSync)(DLManagedTensorVersioned *tensor,
                                                   void **out_py_object);

/** Start of every version of the exchange table; prev_api links older ones. */
typedef struct DLPackExchangeAPIHeader {
    DLPackVersion version;
    struct DLPackExchangeAPIHeader *prev_api;
} DLPackExchangeAPIHeader;

/** Table by which Python packages exchange tensors. Not used by this API. */
typedef struct DLPackExchangeAPI {
    DLPackExchangeAPIHeader header;
    DLPackManagedTensorAllocator managed_tensor_allocator;
    DLPackManagedTensorFromPyObjectNoSync managed_tensor_from_py_object_no_sync;
    DLPackManagedTensorToPyObjectNoSync managed_tensor_to_py_object_no_sync;
    DLPackDLTensorFromPyObjectNoSync dltensor_from_py_object_no_sync;
    DLPackCurrentWorkStream current_work_stream;
} DLPackExchangeAPI;

#ifdef __cplusplus
}
#endif
