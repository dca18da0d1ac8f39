// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/pickler.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <map>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "io/pickle_code.h"
#include "io/python_dtypes.h"
#include "io/tree_check.h"

namespace polytask::io::detail {

namespace {

// Of values that check_tree took. Lists of a type are written like those of
// any: LibTorch's own pickler has functions for them that Python's reader does
// not allow.
class PickleWriter {
 public:
  explicit PickleWriter(WholeStorages whole) : whole_(std::move(whole)) {}

  Pickled write(const c10::IValue& value) {
    put(PickleCode::kProto);
    put_number<uint8_t>(2);
    put_value(value);
    put(PickleCode::kStop);
    return std::move(out_);
  }

 private:
  void put_value(const c10::IValue& value) {
    if (value.isNone()) {
      put(PickleCode::kNone);
    } else if (value.isBool()) {
      put_bool(value.toBool());
    } else if (value.isInt()) {
      put_int(value.toInt());
    } else if (value.isDouble()) {
      put_double(value.toDouble());
    } else if (value.isString()) {
      put_text(value.toStringRef());
    } else if (value.isDevice()) {
      put_device(value.toDevice());
    } else if (!put_again(value)) {
      if (value.isTensor()) {
        put_tensor(value.toTensor());
      } else if (value.isTuple()) {
        put(PickleCode::kMark);
        put_all(value.toTupleRef().elements());
        put(PickleCode::kTuple);
      } else if (value.isList()) {
        put(PickleCode::kEmptyList);
        put(PickleCode::kMark);
        put_all(value.toListRef());
        put(PickleCode::kAppends);
      } else {
        put_dict(value);
      }
      remember(value);
    }
  }

  void put_all(c10::ArrayRef<c10::IValue> values) {
    for (const auto& value : values) {
      put_value(value);
    }
  }

  void put_dict(const c10::IValue& value) {
    put(PickleCode::kEmptyDict);
    put(PickleCode::kMark);
    for (const auto& entry : value.toGenericDict()) {
      put_value(entry.key());
      put_value(entry.value());
    }
    put(PickleCode::kSetItems);
  }

  // What is there twice is the same object twice.
  bool put_again(const c10::IValue& value) {
    const auto found = memo_.find(value.internalToPointer());
    if (found == memo_.end()) {
      return false;
    }
    put(PickleCode::kLongBinGet);
    put_number(found->second);
    return true;
  }

  void remember(const c10::IValue& value) {
    const auto key = static_cast<uint32_t>(memo_.size());
    memo_.emplace(value.internalToPointer(), key);
    put(PickleCode::kLongBinPut);
    put_number(key);
  }

  // Tensors

  void put_tensor(const at::Tensor& tensor) {
    const PythonDtype& dtype = *python_dtype(tensor.scalar_type());
    const bool is_typed = dtype.storage.empty();
    const Place place = place_of(tensor);
    put_global(
        "torch._utils", is_typed ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
    put(PickleCode::kMark);
    put_storage(place, dtype);
    put_int(place.offset);
    put_ints(tensor.sizes());
    put_ints(place.strides);
    put_bool(false);                          // requires_grad
    put_global("collections", "OrderedDict"); // its hooks
    put(PickleCode::kEmptyTuple);
    put(PickleCode::kReduce);
    if (is_typed) {
      put_global("torch", dtype.name);
    }
    put(PickleCode::kTuple);
    put(PickleCode::kReduce);
  }

  // In which storage of the file a tensor is, and where there, in elements.
  struct Place {
    size_t storage = 0;
    int64_t bytes = 0; // of the storage
    int64_t offset = 0;
    std::vector<int64_t> strides;
  };

  Place place_of(const at::Tensor& tensor) {
    const auto element = static_cast<int64_t>(tensor.element_size());
    StoragePart part = storage_part(tensor);
    auto* storage = tensor.storage().unsafeGetStorageImpl();
    const bool is_whole = whole_.count({storage, tensor.scalar_type()}) > 0 &&
        !tensor.is_conj() && !tensor.is_neg();
    if (!is_whole && !is_dense(tensor, part)) {
      // Contiguous, and of this tensor alone.
      out_.storages.push_back(tensor);
      Place place{out_.storages.size() - 1, tensor.numel() * element, 0, {}};
      place.strides.resize(static_cast<size_t>(tensor.dim()));
      int64_t stride = 1;
      for (size_t i = place.strides.size(); i-- > 0;) {
        place.strides[i] = stride;
        stride *= std::max<int64_t>(tensor.sizes()[i], 1);
      }
      return place;
    }
    Place place{0, 0, 0, tensor.strides().vec()};
    if (is_whole) {
      place.offset = part.size == 0 ? 0 : part.begin / element;
      part = {0, static_cast<int64_t>(tensor.storage().nbytes())};
    }
    place.bytes = part.size;
    const auto [found, is_new] = places_.try_emplace(
        std::make_tuple(storage, part.begin, part.size, tensor.scalar_type()),
        out_.storages.size());
    if (is_new) {
      out_.storages.push_back(
          at::empty({0}, tensor.options().dtype(at::kByte))
              .set_(tensor.storage(), part.begin, {part.size}, {1}));
    }
    place.storage = found->second;
    return place;
  }

  void put_storage(const Place& place, const PythonDtype& dtype) {
    const bool is_typed = !dtype.storage.empty();
    put(PickleCode::kMark);
    put_text("storage");
    put_global(
        is_typed ? "torch" : "torch.storage",
        is_typed ? dtype.storage : "UntypedStorage");
    put_text(std::to_string(place.storage));
    put_text("cpu");
    put_int(
        is_typed
            ? place.bytes / static_cast<int64_t>(at::elementSize(dtype.type))
            : place.bytes);
    put(PickleCode::kTuple);
    put(PickleCode::kBinPersId);
  }

  // Leaves

  void put_device(const c10::Device& device) {
    put_global("torch", "device");
    put(PickleCode::kMark);
    put_text(c10::DeviceTypeName(device.type(), /*lower_case=*/true));
    if (device.has_index()) {
      put_int(device.index());
    }
    put(PickleCode::kTuple);
    put(PickleCode::kReduce);
  }

  void put_ints(at::IntArrayRef numbers) {
    put(PickleCode::kMark);
    for (const int64_t number : numbers) {
      put_int(number);
    }
    put(PickleCode::kTuple);
  }

  void put_bool(bool value) {
    put(value ? PickleCode::kNewTrue : PickleCode::kNewFalse);
  }

  void put_int(int64_t value) {
    if (value >= std::numeric_limits<int32_t>::min() &&
        value <= std::numeric_limits<int32_t>::max()) {
      put(PickleCode::kBinInt);
      put_number(static_cast<uint32_t>(value));
    } else {
      put(PickleCode::kLong1);
      put_number<uint8_t>(sizeof(value));
      put_number(static_cast<uint64_t>(value));
    }
  }

  void put_double(double value) {
    put(PickleCode::kBinFloat);
    const auto bits = std::bit_cast<uint64_t>(value);
    for (int shift = 56; shift >= 0; shift -= 8) {
      out_.pickle.push_back(static_cast<char>(bits >> shift)); // big-endian
    }
  }

  void put_text(std::string_view text) {
    put(PickleCode::kBinUnicode);
    put_number(static_cast<uint32_t>(text.size()));
    out_.pickle += text;
  }

  void put_global(std::string_view module, std::string_view name) {
    put(PickleCode::kGlobal);
    (out_.pickle += module) += '\n';
    (out_.pickle += name) += '\n';
  }

  void put(PickleCode code) {
    out_.pickle.push_back(static_cast<char>(code));
  }

  // Little-endian.
  template <typename Unsigned>
  void put_number(Unsigned number) {
    for (size_t i = 0; i < sizeof(Unsigned); ++i) {
      out_.pickle.push_back(
          static_cast<char>(static_cast<uint64_t>(number) >> (8 * i)));
    }
  }

  WholeStorages whole_;
  Pickled out_;
  std::unordered_map<const void*, uint32_t> memo_; // by identity
  std::map<
      std::tuple<c10::StorageImpl*, int64_t, int64_t, at::ScalarType>,
      size_t>
      places_;
};

} // namespace

Pickled pickled(const c10::IValue& value) {
  return PickleWriter(check_tree(value)).write(value);
}

} // namespace polytask::io::detail
