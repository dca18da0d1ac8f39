// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/safetensors_header.h"

#include <c10/util/ArrayRef.h>
#include <c10/util/Exception.h>
#include <c10/util/safe_numerics.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "core/check.h"
#include "io/safetensors_dtype.h"

namespace polytask::io::detail {

namespace {

// What a file holds may be as long as its header, but no message.
std::string shown_of_header(std::string_view text) {
  constexpr size_t kLongest = 200;
  return text.size() <= kLongest
      ? std::string(text)
      : std::string(text.substr(0, kLongest)) + "...";
}

// Follows the parser through the header, so that no tree is ever built of it.
class SafetensorsHeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit SafetensorsHeaderReader(const std::string& who) : who_(who) {}

  SafetensorsHeader release() {
    return std::move(header_);
  }

  bool null() override {
    // As the format's own reader has it.
    const bool no_metadata = is_metadata_ && depth_ == 1;
    return no_metadata || pass_over("null");
  }
  bool boolean(bool value) override {
    return pass_over(value ? "true" : "false");
  }
  bool number_integer(number_integer_t value) override {
    return pass_over(std::to_string(value));
  }
  bool number_float(number_float_t /*value*/, const string_t& text) override {
    return pass_over(text);
  }
  bool binary(binary_t& /*value*/) override {
    return pass_over("bytes"); // which JSON cannot hold
  }

  bool number_unsigned(number_unsigned_t value) override {
    constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
    if (!is_in_list() || value > kMost) {
      return pass_over(std::to_string(value));
    }
    if (field_ == kShape) {
      entry_->sizes.push_back(static_cast<int64_t>(value));
    } else if (offset_count_ < offsets_.size()) {
      offsets_[offset_count_++] = value;
    } else {
      fail_tensor("expected two data_offsets, but found more");
    }
    return true;
  }

  bool string(string_t& text) override {
    if (is_metadata_ && depth_ == 2) {
      if (!header_.metadata.try_emplace(metadata_key_, text).second) {
        fail(
            std::string(kSafetensorsMetadata) + " has '" +
            shown_of_header(metadata_key_) + "' twice");
      }
      return true;
    }
    if (depth_ != 2 || field_ != kDtype) {
      return pass_over("'" + shown_of_header(text) + "'");
    }
    const auto dtype = safetensors_dtype(text);
    if (!dtype) {
      fail_tensor(
          "unknown dtype '" + shown_of_header(text) + "'; known are " +
          polytask::detail::quoted(safetensors_dtype_names()));
    }
    entry_->dtype = *dtype;
    return true;
  }

  bool key(string_t& text) override {
    if (depth_ == 1) {
      begin_value(text);
    } else if (is_metadata_) {
      metadata_key_ = text;
    } else if (depth_ == 2) {
      begin_field(text);
    }
    return true;
  }

  bool start_object(size_t /*elements*/) override {
    if (depth_ > 1) {
      pass_over("an object");
    }
    return open();
  }
  bool end_object() override {
    --depth_;
    if (depth_ == 1 && !is_metadata_) {
      end_tensor();
    }
    return true;
  }
  bool start_array(size_t /*elements*/) override {
    if (depth_ != 2 || is_metadata_ ||
        (field_ != kShape && field_ != kOffsets)) {
      pass_over("a list");
    }
    return open();
  }
  bool end_array() override {
    --depth_;
    return true;
  }

  bool parse_error(
      size_t position,
      const std::string& last_token,
      const nlohmann::detail::exception& /*error*/) override {
    constexpr size_t kShown = 40;
    const bool is_long = last_token.size() > kShown;
    fail(
        "its header is no valid JSON: byte " + std::to_string(position) +
        ", at the end of '" +
        (is_long ? "..." + last_token.substr(last_token.size() - kShown)
                 : last_token) +
        "'");
  }

 private:
  enum Field : size_t { kDtype, kShape, kOffsets, kOther };
  static constexpr std::array<std::string_view, 3> kFields = {
      "dtype", "shape", "data_offsets"};

  bool is_in_list() const {
    return depth_ == 3 && !is_metadata_ && field_ != kOther;
  }

  // Nothing but the fields that the format does not know may hold anything.
  bool pass_over(const std::string& found) const {
    const bool is_unknown = depth_ >= 2 && !is_metadata_ && field_ == kOther;
    if (is_unknown) {
      return true;
    }
    const std::string but = ", but found " + shown_of_header(found);
    if (is_metadata_) {
      fail(
          std::string(kSafetensorsMetadata) +
          (depth_ == 1
               ? ": expected an object"
               : " '" + shown_of_header(metadata_key_) + "': expected a text") +
          but);
    }
    if (depth_ == 1) {
      fail_tensor("expected an object of dtype, shape and data_offsets" + but);
    }
    if (field_ == kDtype) {
      fail_tensor("dtype: expected a text" + but);
    }
    fail_tensor(
        std::string(kFields[field_]) +
        ": expected a list of whole numbers from 0 to 2^63 - 1" + but);
  }

  bool open() {
    constexpr int kDeepest = 128;
    if (++depth_ > kDeepest) {
      fail_tensor(
          "objects and lists stand " + std::to_string(kDeepest) +
          " deep in another");
    }
    return true;
  }

  void begin_value(const std::string& key) {
    is_metadata_ = key == kSafetensorsMetadata;
    if (is_metadata_) {
      if (std::exchange(has_metadata_, true)) {
        fail("it has " + key + " twice");
      }
      return;
    }
    const auto [place, is_new] = header_.entries.try_emplace(key);
    if (!is_new) {
      fail("two tensors are named '" + shown_of_header(key) + "'");
    }
    header_.names.push_back(key);
    entry_ = &place->second;
    is_given_ = {};
    offset_count_ = 0;
  }

  void begin_field(const std::string& key) {
    const auto* const found =
        std::find(kFields.begin(), kFields.end(), std::string_view(key));
    field_ = static_cast<Field>(found - kFields.begin());
    if (field_ != kOther && std::exchange(is_given_[field_], true)) {
      fail_tensor("it has its " + key + " twice");
    }
  }

  void end_tensor() {
    for (size_t i = 0; i < kFields.size(); ++i) {
      if (!is_given_[i]) {
        fail_tensor("it has no " + std::string(kFields[i]));
      }
    }
    if (offset_count_ != offsets_.size()) {
      fail_tensor(
          "expected two data_offsets, but found " +
          std::to_string(offset_count_));
    }
    entry_->begin = offsets_[0];
    entry_->end = offsets_[1];
  }

  [[noreturn]] void fail(const std::string& what) const {
    TORCH_CHECK_VALUE(false, who_, ": ", what, ".");
  }
  [[noreturn]] void fail_tensor(const std::string& what) const {
    fail(shown_tensor(header_.names.back()) + ": " + what);
  }

  const std::string& who_;
  SafetensorsHeader header_;
  // Objects and lists that are open.
  int depth_ = 0;
  bool has_metadata_ = false;
  // Where the parser is: in the metadata or in a tensor, and there in a field.
  bool is_metadata_ = false;
  std::string metadata_key_;
  SafetensorsEntry* entry_ = nullptr;
  Field field_ = kOther;
  std::array<bool, kFields.size()> is_given_{};
  std::array<uint64_t, 2> offsets_{};
  size_t offset_count_ = 0;
};

// Nothing where the bytes, or the strides of an empty tensor, cannot be counted
// in 63 bits.
std::optional<uint64_t> bytes_of_safetensors_entry(
    const SafetensorsEntry& entry) {
  uint64_t bytes = c10::elementSize(entry.dtype);
  bool is_empty = false;
  for (const int64_t size : entry.sizes) {
    is_empty |= size == 0;
    if (c10::mul_overflows(
            bytes, static_cast<uint64_t>(std::max<int64_t>(size, 1)), &bytes)) {
      return std::nullopt;
    }
  }
  if (bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return std::nullopt;
  }
  return is_empty ? 0 : bytes;
}

void check_safetensors_place(
    const std::string& who,
    const std::string& name,
    const SafetensorsEntry& entry,
    uint64_t end_before,
    uint64_t data_size) {
  TORCH_CHECK_VALUE(
      entry.begin <= entry.end,
      who,
      ": ",
      shown_tensor(name),
      " begins at byte ",
      entry.begin,
      " and ends at byte ",
      entry.end,
      ".");
  TORCH_CHECK_VALUE(
      entry.end <= data_size,
      who,
      ": ",
      shown_tensor(name),
      " ends at byte ",
      entry.end,
      ", and the data has ",
      data_size,
      ": is the file cut?");
  TORCH_CHECK_VALUE(
      entry.begin == end_before,
      who,
      ": expected data without holes or overlaps, but ",
      shown_tensor(name),
      " begins at byte ",
      entry.begin,
      ", and what is before it ends at byte ",
      end_before,
      ".");
}

void check_safetensors_size(
    const std::string& who,
    const std::string& name,
    const SafetensorsEntry& entry) {
  const auto bytes = bytes_of_safetensors_entry(entry);
  const auto shown = [&] {
    return shown_tensor(name) + ": " +
        std::string(safetensors_name(entry.dtype)) + " of shape " +
        shown_of_header(c10::str(c10::IntArrayRef(entry.sizes)));
  };
  TORCH_CHECK_VALUE(
      bytes, who, ": ", shown(), " has more bytes than can be counted.");
  TORCH_CHECK_VALUE(
      *bytes == entry.end - entry.begin,
      who,
      ": ",
      shown(),
      " takes ",
      *bytes,
      " bytes, but its data_offsets ",
      entry.begin,
      " and ",
      entry.end,
      " span ",
      entry.end - entry.begin,
      ".");
}

void check_safetensors_data(
    const std::string& who,
    const SafetensorsHeader& header,
    uint64_t data_size) {
  uint64_t end = 0;
  for (const auto& name : header.names) {
    const SafetensorsEntry& entry = header.entries.at(name);
    check_safetensors_place(who, name, entry, end, data_size);
    check_safetensors_size(who, name, entry);
    end = entry.end;
  }
  TORCH_CHECK_VALUE(
      end == data_size,
      who,
      ": the tensors end at byte ",
      end,
      ", and the data has ",
      data_size,
      ".");
}

void check_safetensors_header_size(const std::string& who, size_t size) {
  TORCH_CHECK_VALUE(
      size <= kLongestSafetensorsHeader,
      who,
      ": expected names, shapes and metadata that fit ",
      kLongestSafetensorsHeader,
      " bytes, but they take more.");
}

void append_safetensors_text(
    const std::string& who,
    const std::string& what,
    const std::string& text,
    std::string& header) {
  check_safetensors_header_size(who, header.size() + text.size());
  try {
    header += nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    TORCH_CHECK_VALUE(
        false, who, ": ", what, " '", shown_of_header(text), "' is not UTF-8.");
  }
}

} // namespace

SafetensorsHeader parse_safetensors_header(
    const std::string& who, std::string_view text, uint64_t data_size) {
  TORCH_CHECK_VALUE(
      text.starts_with('{'),
      who,
      ": expected a header that begins with '{', but found ",
      text.empty() ? "none" : "'" + std::string(text.substr(0, 1)) + "'",
      ": is this a safetensors file?");
  // To the parser it would be the end, whatever follows.
  const size_t zero = text.find('\0');
  TORCH_CHECK_VALUE(
      zero == std::string_view::npos,
      who,
      ": its header is no valid JSON: byte ",
      zero + 1,
      " is zero.");
  SafetensorsHeaderReader reader(who);
  const bool is_read =
      nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  TORCH_CHECK_VALUE(is_read, who, ": its header is no valid JSON.");
  SafetensorsHeader header = reader.release();
  // Stable: empty tensors take no place among the others.
  std::stable_sort(
      header.names.begin(),
      header.names.end(),
      [&](const std::string& left, const std::string& right) {
        const auto offsets = [&](const std::string& name) {
          const SafetensorsEntry& entry = header.entries.at(name);
          return std::pair(entry.begin, entry.end);
        };
        return offsets(left) < offsets(right);
      });
  check_safetensors_data(who, header, data_size);
  return header;
}

std::string safetensors_header_text(
    const std::string& who, const SafetensorsHeader& header) {
  std::string text = "{";
  const auto begin_member = [&] {
    if (text.back() != '{') {
      text += ',';
    }
  };
  if (!header.metadata.empty()) {
    text.append("\"").append(kSafetensorsMetadata).append("\":{");
    for (const auto& [key, value] : header.metadata) {
      begin_member();
      append_safetensors_text(who, "the metadata's key", key, text);
      text += ':';
      append_safetensors_text(who, "the metadata's text", value, text);
    }
    text += '}';
  }
  for (const auto& name : header.names) {
    const SafetensorsEntry& entry = header.entries.at(name);
    begin_member();
    append_safetensors_text(who, "the name", name, text);
    text.append(R"(:{"dtype":")").append(safetensors_name(entry.dtype));
    text += R"(","shape":[)";
    for (size_t i = 0; i < entry.sizes.size(); ++i) {
      text += (i == 0 ? "" : ",") + std::to_string(entry.sizes[i]);
    }
    text += R"(],"data_offsets":[)" + std::to_string(entry.begin) + "," +
        std::to_string(entry.end) + "]}";
  }
  text += '}';
  constexpr size_t kAlignment = 8;
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  check_safetensors_header_size(who, text.size());
  return text;
}

std::string shown_tensor(const std::string& name) {
  return "tensor '" + shown_of_header(name) + "'";
}

} // namespace polytask::io::detail
