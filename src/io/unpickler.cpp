// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/unpickler.h"

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <bit>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "io/allowed_global.h"
#include "io/byte_reader.h"
#include "io/pickle_code.h"
#include "io/pickle_item.h"
#include "io/rebuilt_tensor.h"
#include "io/utf8.h"

namespace polytask::io::detail {

namespace {

// For messages: whatever was in the file.
std::string printable(std::string_view name) {
  constexpr size_t kLongest = 200;
  std::string text(name.substr(0, kLongest));
  for (char& c : text) {
    if (c < ' ' || c > '~') {
      c = '?';
    }
  }
  return name.size() > kLongest ? text + "..." : text;
}

class PickleMachine {
 public:
  PickleMachine(std::string_view pickle, const StorageOf& storage_of)
      : pickle_(pickle), storage_of_(storage_of) {}

  c10::IValue run() {
    while (true) {
      const auto code = static_cast<PickleCode>(pickle_.number<uint8_t>());
      if (code == PickleCode::kStop) {
        const PickleItem result = pop();
        check_pickle(stack_.empty() && marks_.empty(), "values are left over");
        return value_of(result);
      }
      step(code);
    }
  }

 private:
  void step(PickleCode code) {
    using enum PickleCode;
    switch (code) {
      case kProto: {
        const auto protocol = pickle_.number<uint8_t>();
        check_pickle(protocol >= 2 && protocol <= 5, "its protocol is unknown");
        return;
      }
      case kFrame:
        pickle_.take(8); // a length, which only helps who reads from a stream
        return;
      case kNone:
        return push(c10::IValue());
      case kNewTrue:
        return push(c10::IValue(true));
      case kNewFalse:
        return push(c10::IValue(false));
      case kBinInt:
        return push_integer(pickle_.number<int32_t>());
      case kBinInt1:
        return push_integer(pickle_.number<uint8_t>());
      case kBinInt2:
        return push_integer(pickle_.number<uint16_t>());
      case kLong1:
        return push_integer(long_integer());
      case kBinFloat:
        return push(c10::IValue(floating_point()));
      case kShortBinUnicode:
        return push_text(pickle_.number<uint8_t>());
      case kBinUnicode:
        return push_text(pickle_.number<uint32_t>());
      case kBinUnicode8:
        return push_text(pickle_.number<uint64_t>());
      case kEmptyList:
        return push_container(ContainerKind::kList, {});
      case kEmptyTuple:
        return push_container(ContainerKind::kTuple, {});
      case kEmptyDict:
        return push_container(ContainerKind::kDict, {});
      case kTuple1:
        return push_container(ContainerKind::kTuple, pop_last(1));
      case kTuple2:
        return push_container(ContainerKind::kTuple, pop_last(2));
      case kTuple3:
        return push_container(ContainerKind::kTuple, pop_last(3));
      case kMark:
        return marks_.push_back(stack_.size());
      case kTuple:
        return push_container(ContainerKind::kTuple, pop_to_mark());
      case kAppend:
        return add(ContainerKind::kList, pop_last(1));
      case kAppends:
        return add(ContainerKind::kList, pop_to_mark());
      case kSetItem:
        return add(ContainerKind::kDict, pop_last(2));
      case kSetItems:
        return add(ContainerKind::kDict, pop_to_mark());
      case kBinPut:
        return put(pickle_.number<uint8_t>());
      case kLongBinPut:
        return put(pickle_.number<uint32_t>());
      case kMemoize:
        return put(memo_.size());
      case kBinGet:
        return get(pickle_.number<uint8_t>());
      case kLongBinGet:
        return get(pickle_.number<uint32_t>());
      case kGlobal: {
        const std::string module(pickle_.line());
        return push_global(module + "." + std::string(pickle_.line()));
      }
      case kStackGlobal: {
        const std::string name = text(pop());
        return push_global(text(pop()) + "." + name);
      }
      case kBinPersId:
        return push_storage();
      case kReduce:
        return reduce();
      case kBuild:
        return build();
      default:
        fail_pickle(
            "expected values of a file of weights, but found the instruction " +
            std::to_string(static_cast<int>(code)) +
            " of a pickle (bytes, sets, objects and integers of more than 255 "
            "bytes are not read).");
    }
  }

  // The stack

  void push(PickleItem item) {
    stack_.push_back(std::move(item));
  }

  void push_integer(int64_t number) {
    push(c10::IValue(number));
  }

  void push_text(uint64_t size) {
    const auto bytes = pickle_.take(size);
    check_pickle(is_utf8(bytes), "a text is not UTF-8");
    push(c10::IValue(std::string(bytes)));
  }

  void push_container(ContainerKind kind, std::vector<PickleItem> items) {
    containers_.push_back({kind});
    containers_.back().items = std::move(items);
    push(&containers_.back());
  }

  void push_global(const std::string& name) {
    const PickleGlobal* global = allowed_global(name);
    if (!global) {
      fail_pickle(
          "'" + printable(name) +
          "' is not allowed: a file of weights holds tensors, dicts, lists, "
          "numbers and text, and nothing in it is executed. In Python, save a "
          "module's state_dict() instead of it, and what belongs to other "
          "libraries as numbers or tensors.");
    }
    push(global);
  }

  // Above the last mark.
  size_t count() const {
    return stack_.size() - (marks_.empty() ? 0 : marks_.back());
  }

  PickleItem& top() {
    check_pickle(count() > 0, "a value is missing");
    return stack_.back();
  }

  PickleItem pop() {
    PickleItem item = std::move(top());
    stack_.pop_back();
    return item;
  }

  std::vector<PickleItem> pop_last(size_t number) {
    check_pickle(count() >= number, "a value is missing");
    const auto begin = stack_.end() - static_cast<std::ptrdiff_t>(number);
    std::vector<PickleItem> items(
        std::make_move_iterator(begin), std::make_move_iterator(stack_.end()));
    stack_.erase(begin, stack_.end());
    return items;
  }

  std::vector<PickleItem> pop_to_mark() {
    check_pickle(!marks_.empty(), "a mark is missing");
    auto items = pop_last(count());
    marks_.pop_back();
    return items;
  }

  // Into the container on top.
  void add(ContainerKind kind, std::vector<PickleItem> items) {
    PickleContainer* container = container_of(top(), kind);
    check_pickle(container, "values are added to what holds none");
    check_pickle(
        kind != ContainerKind::kDict || items.size() % 2 == 0,
        "a key has no value");
    container->items.insert(
        container->items.end(),
        std::make_move_iterator(items.begin()),
        std::make_move_iterator(items.end()));
  }

  void put(uint64_t key) {
    memo_.insert_or_assign(key, top());
  }

  void get(uint64_t key) {
    const auto found = memo_.find(key);
    check_pickle(found != memo_.end(), "a remembered value is missing");
    push(found->second);
  }

  // Numbers

  int64_t long_integer() {
    const auto size = pickle_.number<uint8_t>();
    const auto bytes = pickle_.take(size);
    if (size > sizeof(uint64_t)) {
      fail_pickle("an integer has more than 64 bits.");
    }
    // Little-endian, of two's complement.
    const bool is_negative = size > 0 && (bytes.back() & 0x80) != 0;
    uint64_t number = is_negative ? ~uint64_t{0} : 0;
    for (size_t i = size; i-- > 0;) {
      number = (number << 8) | static_cast<unsigned char>(bytes[i]);
    }
    return static_cast<int64_t>(number);
  }

  double floating_point() {
    uint64_t bits = 0; // big-endian
    for (const char byte : pickle_.take(sizeof(bits))) {
      bits = (bits << 8) | static_cast<unsigned char>(byte);
    }
    return std::bit_cast<double>(bits);
  }

  // Arguments

  static PickleContainer* container_of(
      const PickleItem& item, ContainerKind kind) {
    const auto* container = std::get_if<PickleContainer*>(&item);
    return container && (*container)->kind == kind ? *container : nullptr;
  }

  static const std::vector<PickleItem>& elements(const PickleItem& item) {
    const auto* tuple = container_of(item, ContainerKind::kTuple);
    check_pickle(tuple, "a tuple is missing");
    return tuple->items;
  }

  static const std::string& text(const PickleItem& item) {
    const auto* value = std::get_if<c10::IValue>(&item);
    check_pickle(value && value->isString(), "a text is missing");
    return value->toStringRef();
  }

  static int64_t integer(const PickleItem& item) {
    const auto* value = std::get_if<c10::IValue>(&item);
    check_pickle(value && value->isInt(), "an integer is missing");
    return value->toInt();
  }

  static std::vector<int64_t> integers(const PickleItem& item) {
    std::vector<int64_t> numbers;
    for (const PickleItem& each : elements(item)) {
      numbers.push_back(integer(each));
    }
    return numbers;
  }

  static const PickleGlobal& global_of(const PickleItem& item) {
    const auto* global = std::get_if<const PickleGlobal*>(&item);
    check_pickle(global, "what is called is no function");
    return **global;
  }

  // Storages and tensors

  // ('storage', its class, its key, its device, its number of elements)
  void push_storage() {
    const PickleItem item = pop();
    const auto& parts = elements(item);
    check_pickle(
        parts.size() == 5 && text(parts[0]) == "storage", "a storage is odd");
    const PickleGlobal& kind = global_of(parts[1]);
    check_pickle(
        kind.role == GlobalRole::kStorage ||
            kind.role == GlobalRole::kStorageOfBytes,
        "a storage is odd");
    PickleStorage view{storage_of_(text(parts[2])), kind.type};
    const int64_t length = integer(parts[4]);
    if (length < 0 ||
        static_cast<uint64_t>(length) >
            view.storage.nbytes() / at::elementSize(view.type)) {
      fail_pickle(
          "expected a storage of " + std::to_string(length) +
          " elements, but its record has " +
          std::to_string(view.storage.nbytes()) + " bytes.");
    }
    storages_.push_back(std::move(view));
    push(&storages_.back());
  }

  static const PickleStorage& storage(const PickleItem& item) {
    const auto* view = std::get_if<const PickleStorage*>(&item);
    check_pickle(view, "a storage is missing");
    return **view;
  }

  // (storage, offset, sizes, strides, requires_grad, hooks[, metadata]), and a
  // dtype before the metadata where storages are of bytes.
  void push_tensor(const std::vector<PickleItem>& args, bool is_typed) {
    const size_t count = is_typed ? 7 : 6;
    check_pickle(
        args.size() == count || args.size() == count + 1, "a tensor is odd");
    const PickleStorage& view = storage(args[0]);
    at::ScalarType type = view.type;
    if (is_typed) {
      const PickleGlobal& dtype = global_of(args[6]);
      check_pickle(dtype.role == GlobalRole::kDtype, "a dtype is missing");
      type = dtype.type;
    }
    at::Tensor tensor = rebuilt_tensor(
        view.storage,
        type,
        integer(args[1]),
        integers(args[2]),
        integers(args[3]));
    if (args.size() > count) {
      tensor = with_metadata(tensor, args[count]);
    }
    push(c10::IValue(std::move(tensor)));
  }

  // The bits of lazy views.
  static at::Tensor with_metadata(at::Tensor tensor, const PickleItem& item) {
    const auto* value = std::get_if<c10::IValue>(&item);
    if (value && value->isNone()) {
      return tensor;
    }
    const auto* dict = container_of(item, ContainerKind::kDict);
    // A short pickle can name the same large dict for many tensors.
    constexpr size_t kMostItems = 32; // keys and values
    check_pickle(dict && dict->items.size() <= kMostItems, "a tensor is odd");
    for (size_t i = 0; i < dict->items.size(); i += 2) {
      const std::string& key = text(dict->items[i]);
      const auto* is_set = std::get_if<c10::IValue>(&dict->items[i + 1]);
      check_pickle(is_set && is_set->isBool(), "a tensor is odd");
      if (is_set->toBool() && key == "conj" && tensor.is_complex()) {
        tensor = tensor.conj();
      } else if (is_set->toBool() && key == "neg") {
        tensor = tensor._neg_view();
      } else if (is_set->toBool()) {
        fail_pickle(
            "a tensor has '" + printable(key) + "', which is not read.");
      }
    }
    return tensor;
  }

  void reduce() {
    const PickleItem tuple = pop();
    const auto& args = elements(tuple);
    const PickleItem callee = pop();
    const PickleGlobal& function = global_of(callee);
    const auto check_count = [&](size_t least, size_t most) {
      check_pickle(
          args.size() >= least && args.size() <= most, "arguments are missing");
    };
    switch (function.role) {
      case GlobalRole::kOrderedDict:
        check_count(0, 0);
        push_container(ContainerKind::kDict, {});
        containers_.back().is_ordered_dict = true;
        return;
      case GlobalRole::kCounter:
        check_count(1, 1);
        check_pickle(
            container_of(args[0], ContainerKind::kDict), "a dict is missing");
        return push(args[0]);
      case GlobalRole::kSize:
        check_count(1, 1);
        check_pickle(
            elements(args[0]).size() <= kMostDims, "a torch.Size is too long");
        integers(args[0]);
        return push(args[0]);
      case GlobalRole::kDevice: {
        check_count(1, 2);
        const std::string index =
            args.size() == 2 ? ":" + std::to_string(integer(args[1])) : "";
        return push(c10::IValue(c10::Device(text(args[0]) + index)));
      }
      case GlobalRole::kTensor:
        return push_tensor(args, /*is_typed=*/false);
      case GlobalRole::kTypedTensor:
        return push_tensor(args, /*is_typed=*/true);
      case GlobalRole::kParameter:
      case GlobalRole::kParameterWithState: {
        const size_t count = function.role == GlobalRole::kParameter ? 3 : 4;
        check_count(count, count);
        const auto* data = std::get_if<c10::IValue>(&args[0]);
        check_pickle(data && data->isTensor(), "a tensor is missing");
        return push(*data);
      }
      default:
        fail_pickle("'" + function.name + "' is called, but no function.");
    }
  }

  // The attributes of an OrderedDict; those of a state dict are versions of
  // modules.
  void build() {
    pop();
    const PickleContainer* dict = container_of(top(), ContainerKind::kDict);
    check_pickle(
        dict && dict->is_ordered_dict, "what is built is no OrderedDict");
  }

  ByteReader pickle_;
  const StorageOf& storage_of_;
  std::vector<PickleItem> stack_;
  std::vector<size_t> marks_; // sizes of the stack
  std::unordered_map<uint64_t, PickleItem> memo_;
  // Where they stay.
  std::deque<PickleContainer> containers_;
  std::deque<PickleStorage> storages_;
};

} // namespace

c10::IValue unpickle(std::string_view pickle, const StorageOf& storage_of) {
  return PickleMachine(pickle, storage_of).run();
}

} // namespace polytask::io::detail
