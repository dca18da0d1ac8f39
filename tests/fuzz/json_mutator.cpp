// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
// Changes whole values of a JSON, where bytes alone would mostly break it.
#include <ATen/core/dispatch/Dispatcher.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace {

using Json = nlohmann::json;

class JsonMutator {
 public:
  JsonMutator(Json& json, unsigned seed) : json_(json), random_(seed) {}

  void change() {
    do {
      all_.clear();
      collect(json_);
      change_one(*all_[below(all_.size())]);
    } while (below(3) == 0);
  }

 private:
  size_t below(size_t limit) {
    return random_() % limit;
  }

  void collect(Json& value) {
    all_.push_back(&value);
    if (value.is_structured()) {
      for (auto& item : value) {
        collect(item);
      }
    }
  }

  void change_one(Json& value) {
    const Json other = *all_[below(all_.size())]; // may hold the value
    switch (below(5)) {
      case 0:
        value = other;
        return;
      case 1:
        value = odd_value();
        return;
      default:
        break;
    }
    if (value.is_array()) {
      change_list(value, other);
    } else if (value.is_object()) {
      change_object(value, other);
    } else if (value.is_string()) {
      change_text(value, other);
    } else if (value.is_boolean()) {
      value = !value.get<bool>();
    } else if (value.is_number_integer()) {
      const auto number = value.get<uint64_t>();
      value = below(2) == 0
          ? static_cast<int64_t>(number + below(5) - 2)
          : static_cast<int64_t>(number ^ (1ULL << below(64)));
    }
  }

  void change_list(Json& list, const Json& other) {
    if (list.empty() || below(4) == 0) {
      list.push_back(other);
      return;
    }
    const Json copy = list[below(list.size())];
    switch (below(3)) {
      case 0:
        list.erase(
            list.begin() + static_cast<std::ptrdiff_t>(below(list.size())));
        return;
      case 1:
        list.push_back(copy);
        return;
      default:
        list[below(list.size())] = copy;
    }
  }

  void change_object(Json& object, const Json& other) {
    if (object.empty() || below(4) == 0) {
      object["new" + std::to_string(below(4))] = other;
      return;
    }
    const auto item = std::next(
        object.begin(), static_cast<std::ptrdiff_t>(below(object.size())));
    const Json copy = item.value();
    if (below(2) == 0) {
      object.erase(item);
    }
    object
        [other.is_string() ? other.get<std::string>()
                           : item_key(object, below(8))] = copy;
  }

  static std::string item_key(const Json& object, size_t at) {
    return object.empty()
        ? "a"
        : std::next(
              object.begin(), static_cast<std::ptrdiff_t>(at % object.size()))
              .key();
  }

  void change_text(Json& text, const Json& other) {
    constexpr std::string_view kOperator = "torch.ops.aten.";
    if (text.get_ref<const std::string&>().starts_with(kOperator)) {
      static const auto names = c10::Dispatcher::singleton().getAllOpNames();
      const auto& name = names[below(names.size())];
      const std::string_view whole = name.name;
      text = std::string(kOperator) +
          std::string(whole.substr(whole.find("::") + 2)) + "." +
          (name.overload_name.empty() ? "default" : name.overload_name);
    } else if (other.is_string()) {
      text = other;
    }
  }

  Json odd_value() {
    static const std::array values = {
        Json(),
        Json(0),
        Json(-1),
        Json(1),
        Json(INT64_MAX),
        Json(INT64_MIN),
        Json(UINT64_MAX),
        Json(1e308),
        Json(0.5),
        Json(true),
        Json(""),
        Json("NaN"),
        Json("a.b"),
        Json::array(),
        Json::object()};
    return values[below(values.size())];
  }

  Json& json_;
  std::mt19937 random_;
  std::vector<Json*> all_;
};

// Of brackets, those in texts among them.
int depth_of(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  for (const char c : text) {
    depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
    deepest = std::max(deepest, depth);
  }
  return deepest;
}

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(
    uint8_t* data, size_t size, size_t most, unsigned seed) {
  const std::string_view reader = std::getenv("POLYTASK_FUZZ");
  const bool is_json_alone =
      reader == "exported_program" || reader == "inference";
  const bool has_json = is_json_alone || reader == "safetensors";
  const size_t begin = is_json_alone ? 0 : sizeof(uint64_t);
  // Of a file of safetensors, its length stands before the JSON.
  uint64_t length = size;
  if (!is_json_alone && size >= begin) {
    std::memcpy(&length, data, begin);
  }
  if (!has_json || seed % 4 == 0 || size < begin || length > size - begin) {
    return LLVMFuzzerMutate(data, size, most);
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr int kDeepest = 150; // it is written by recursion
  if (depth_of(bytes) > kDeepest) {
    return LLVMFuzzerMutate(data, size, most);
  }
  Json json =
      Json::parse(bytes.substr(begin, length), nullptr, /*throws=*/false);
  if (json.is_discarded()) {
    return LLVMFuzzerMutate(data, size, most);
  }
  JsonMutator(json, seed).change();
  const std::string text =
      json.dump(-1, ' ', false, Json::error_handler_t::replace);
  const std::string behind(bytes.substr(begin + length));
  if (begin + text.size() + behind.size() > most) {
    return LLVMFuzzerMutate(data, size, most);
  }
  length = text.size();
  if (!is_json_alone) {
    std::memcpy(data, &length, begin);
  }
  std::memcpy(data + begin, text.data(), text.size());
  std::memcpy(data + begin + text.size(), behind.data(), behind.size());
  return begin + text.size() + behind.size();
}
