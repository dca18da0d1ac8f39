// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/stand_in_device.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/NativeFunctions.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/cuda.h>
#include <torch/library.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace polytask::testing {

namespace {

using OptionalDtype = std::optional<at::ScalarType>;

const at::Device kStandIn(at::DeviceType::CUDA, 0);

bool stand_in_registered = false;
bool stand_in_has_float64 = true;
std::atomic<int64_t> stand_in_copies{0};
// Operators run on the host, and their copies are none of the library's.
thread_local bool within_stand_in_operator = false;

void count_stand_in_copy(const at::Tensor& from, const at::Tensor& to) {
  if (!within_stand_in_operator && from.is_cuda() && to.is_cpu()) {
    ++stand_in_copies;
  }
}

struct StandInAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    void* memory = bytes > 0 ? std::malloc(bytes) : nullptr;
    return {memory, memory, &std::free, kStandIn};
  }
  c10::DeleterFnPtr raw_deleter() const override {
    return &std::free;
  }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    if (bytes > 0) {
      std::memcpy(to, from, bytes);
    }
  }
};

StandInAllocator& stand_in_allocator() {
  static StandInAllocator allocator;
  return allocator;
}

struct StandInGuard final : c10::impl::DeviceGuardImplInterface {
  at::DeviceType type() const override {
    return kStandIn.type();
  }
  at::Device exchangeDevice(at::Device) const override {
    return kStandIn;
  }
  at::Device getDevice() const override {
    return kStandIn;
  }
  void setDevice(at::Device) const override {}
  void uncheckedSetDevice(at::Device) const noexcept override {}
  c10::Stream getStream(at::Device device) const override {
    return c10::Stream(c10::Stream::DEFAULT, device);
  }
  c10::Stream getNewStream(at::Device device, int) const override {
    return getStream(device);
  }
  c10::Stream exchangeStream(c10::Stream stream) const override {
    return stream;
  }
  c10::DeviceIndex deviceCount() const noexcept override {
    return 1;
  }
  void record(
      void**,
      const c10::Stream&,
      const c10::DeviceIndex,
      const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override {
    return true;
  }
  void destroyEvent(void*, const c10::DeviceIndex) const noexcept override {}
};

struct StandInHooks final : at::CUDAHooksInterface {
  explicit StandInHooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override {
    return true;
  }
  bool isAvailable() const override {
    return true;
  }
  bool isBuilt() const override {
    return true;
  }
  bool hasPrimaryContext(at::DeviceIndex) const override {
    return true;
  }
  at::DeviceIndex current_device() const override {
    return 0;
  }
  at::DeviceIndex deviceCount() const override {
    return 1;
  }
  at::DeviceIndex getCurrentDevice() const override {
    return 0;
  }
  int getNumGPUs() const override {
    return 1;
  }
  at::Device getDeviceFromPtr(void*) const override {
    return kStandIn;
  }
  void deviceSynchronize(at::DeviceIndex) const override {}
  const at::Generator& getDefaultGenerator(at::DeviceIndex) const override {
    static const at::Generator generator = at::detail::getDefaultCPUGenerator();
    return generator;
  }
};

void check_stand_in_dtype(OptionalDtype dtype) {
  TORCH_CHECK_TYPE(
      stand_in_has_float64 || c10::dtype_or_default(dtype) != at::kDouble,
      "the stand-in device has no float64");
}

/// The same memory, for the host's operators.
at::Tensor host_view(const at::Tensor& tensor) {
  if (tensor.is_cpu()) {
    return tensor;
  }
  return at::from_blob(
      tensor.data_ptr(),
      tensor.sizes(),
      tensor.strides(),
      [tensor](void*) {},
      at::TensorOptions().dtype(tensor.dtype()));
}

at::Tensor stand_in_empty(
    at::IntArrayRef sizes,
    OptionalDtype dtype,
    std::optional<at::Layout>,
    std::optional<at::Device>,
    std::optional<bool>,
    std::optional<at::MemoryFormat> format) {
  check_stand_in_dtype(dtype);
  return at::detail::empty_generic(
      sizes,
      &stand_in_allocator(),
      c10::DispatchKeySet(c10::DispatchKey::CUDA),
      c10::dtype_or_default(dtype),
      format);
}

at::Tensor stand_in_empty_strided(
    at::IntArrayRef sizes,
    at::IntArrayRef strides,
    OptionalDtype dtype,
    std::optional<at::Layout>,
    std::optional<at::Device>,
    std::optional<bool>) {
  check_stand_in_dtype(dtype);
  return at::detail::empty_strided_generic(
      sizes,
      strides,
      &stand_in_allocator(),
      c10::DispatchKeySet(c10::DispatchKey::CUDA),
      c10::dtype_or_default(dtype));
}

at::Tensor& stand_in_copy(at::Tensor& to, const at::Tensor& from, bool) {
  count_stand_in_copy(from, to);
  at::NoGradGuard no_grad;
  host_view(to).copy_(host_view(from));
  return to;
}

at::Tensor stand_in_copy_from(
    const at::Tensor& from, const at::Tensor& to, bool) {
  at::Tensor target = to;
  return stand_in_copy(target, from, false);
}

at::Tensor stand_in_copy_from_and_resize(
    const at::Tensor& from, const at::Tensor& to) {
  if (to.sizes() != from.sizes()) {
    to.resize_(from.sizes());
  }
  return stand_in_copy_from(from, to, false);
}

at::Scalar stand_in_local_scalar(const at::Tensor& tensor) {
  stand_in_copies += within_stand_in_operator ? 0 : 1;
  return host_view(tensor).item();
}

at::Tensor stand_in_as_strided(
    const at::Tensor& tensor,
    at::IntArrayRef sizes,
    at::IntArrayRef strides,
    std::optional<int64_t> offset) {
  return at::native::as_strided_tensorimpl(tensor, sizes, strides, offset);
}

at::Tensor stand_in_view(const at::Tensor& tensor, c10::SymIntArrayRef sizes) {
  return at::native::view(tensor, C10_AS_INTARRAYREF_SLOW(sizes));
}

at::Tensor stand_in_reshape_alias(
    const at::Tensor& tensor,
    c10::SymIntArrayRef sizes,
    c10::SymIntArrayRef strides) {
  return at::native::_reshape_alias(
      tensor, C10_AS_INTARRAYREF_SLOW(sizes), C10_AS_INTARRAYREF_SLOW(strides));
}

at::Tensor& stand_in_set(
    at::Tensor& tensor,
    at::Storage storage,
    int64_t offset,
    at::IntArrayRef sizes,
    at::IntArrayRef strides) {
  return at::native::set_storage_cpu_(
      tensor, std::move(storage), offset, sizes, strides);
}

const at::Tensor& stand_in_resize(
    const at::Tensor& tensor,
    c10::SymIntArrayRef sizes,
    std::optional<at::MemoryFormat>) {
  auto* impl = tensor.unsafeGetTensorImpl();
  impl->set_sizes_contiguous(C10_AS_INTARRAYREF_SLOW(sizes));
  const auto& storage = tensor.storage();
  const auto bytes =
      static_cast<size_t>(impl->numel() + impl->storage_offset()) *
      tensor.dtype().itemsize();
  if (storage.nbytes() < bytes) {
    auto memory = stand_in_allocator().allocate(bytes);
    if (storage.nbytes() > 0) {
      std::memcpy(memory.get(), storage.data(), storage.nbytes());
    }
    storage.set_data_ptr_noswap(std::move(memory));
    storage.set_nbytes(bytes);
  }
  return tensor;
}

struct NoStandInWarnings final : c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

NoStandInWarnings& no_stand_in_warnings() {
  static NoStandInWarnings handler;
  return handler;
}

void stand_in_operator(
    const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  const bool outer = std::exchange(within_stand_in_operator, true);
  // The fall-back gives results to operators that resize them.
  c10::WarningUtils::WarningHandlerGuard quiet(&no_stand_in_warnings());
  try {
    at::native::cpu_fallback(operation, stack);
  } catch (...) {
    within_stand_in_operator = outer;
    throw;
  }
  within_stand_in_operator = outer;
}

void register_stand_in_operators() {
  static torch::Library all(
      torch::Library::IMPL, "_", c10::DispatchKey::CUDA, __FILE__, __LINE__);
  all.fallback(torch::CppFunction::makeFromBoxedFunction<&stand_in_operator>());
  static torch::Library own(
      torch::Library::IMPL, "aten", c10::DispatchKey::CUDA, __FILE__, __LINE__);
  own.impl("empty.memory_format", stand_in_empty);
  own.impl("empty_strided", stand_in_empty_strided);
  own.impl("copy_", stand_in_copy);
  own.impl("_copy_from", stand_in_copy_from);
  own.impl("_copy_from_and_resize", stand_in_copy_from_and_resize);
  own.impl("_local_scalar_dense", stand_in_local_scalar);
  own.impl("as_strided", stand_in_as_strided);
  own.impl("view", stand_in_view);
  own.impl("_reshape_alias", stand_in_reshape_alias);
  own.impl("set_.source_Storage_storage_offset", stand_in_set);
  own.impl("resize_", stand_in_resize);
}

std::unique_ptr<at::CUDAHooksInterface> make_stand_in_hooks(
    at::CUDAHooksArgs args) {
  return std::make_unique<StandInHooks>(args);
}

} // namespace

void StandInDevice::register_if_asked() {
  const char* asked = std::getenv("POLYTASK_STAND_IN_DEVICE");
  // LibTorch's CUDA registers its hooks under this name.
  if (asked == nullptr || at::CUDAHooksRegistry()->Has("CUDAHooks")) {
    return;
  }
  stand_in_has_float64 = std::string(asked) != "no_float64";
  at::CUDAHooksRegistry()->Register("CUDAHooks", make_stand_in_hooks);
  c10::SetAllocator(kStandIn.type(), &stand_in_allocator());
  static const StandInGuard guard;
  static const c10::impl::DeviceGuardImplRegistrar registrar(
      kStandIn.type(), &guard);
  register_stand_in_operators();
  stand_in_registered = true;
}

bool StandInDevice::is_registered() {
  return stand_in_registered;
}

bool StandInDevice::has_float64() {
  return stand_in_has_float64;
}

int64_t StandInDevice::take_copies_to_host() {
  return stand_in_copies.exchange(0);
}

} // namespace polytask::testing
