// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/zip_archive.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "io/byte_reader.h"
#include "io/regular_file.h"

namespace polytask::io::detail {

// APPNOTE.TXT of PKWARE, 6.3.10, whose names stand in the comments.

namespace {

constexpr uint32_t kRecordMark = 0x04034b50; // local file header
constexpr uint32_t kEntryMark = 0x02014b50;  // central directory header
constexpr uint32_t kEndMark = 0x06054b50;    // end of central directory record
constexpr uint32_t kEnd64Mark = 0x06064b50;  // zip64 ... record
constexpr uint32_t kLocator64Mark = 0x07064b50; // zip64 ... locator

constexpr uint64_t kRecordHeaderSize = 30;
constexpr uint64_t kEndSize = 22;
constexpr uint64_t kEnd64Size = 56;
constexpr uint64_t kLocator64Size = 20;
constexpr uint64_t kLongestComment = 65535;

constexpr uint16_t kIsEncrypted = 1;
constexpr uint16_t kIn64 = 1; // the extra field of the numbers that are longer
constexpr uint32_t kLonger = std::numeric_limits<uint32_t>::max();

[[noreturn]] void fail_zip(const std::string& what) {
  TORCH_CHECK_VALUE(false, what);
}

void check_zip(bool ok) {
  if (!ok) {
    fail_zip("it is cut, or damaged.");
  }
}

// Those of an entry's numbers that do not fit into it stand, in this order, in
// an extra field.
void read_longer(std::string_view extra, std::vector<uint64_t*> numbers) {
  numbers.erase(
      std::remove_if(
          numbers.begin(),
          numbers.end(),
          [](const uint64_t* number) { return *number != kLonger; }),
      numbers.end());
  for (ByteReader fields(extra); !numbers.empty() && fields.left() > 0;) {
    const auto kind = fields.number<uint16_t>();
    ByteReader field(fields.take(fields.number<uint16_t>()));
    if (kind == kIn64) {
      for (uint64_t* number : numbers) {
        *number = field.number<uint64_t>();
      }
      return;
    }
  }
  check_zip(numbers.empty());
}

} // namespace

ZipArchive::ZipArchive(const std::string& path)
    : file_(open_regular_file(path)) {
  file_.seekg(0, std::ios::end);
  const std::streamoff length = file_.tellg();
  if (!file_ || length < 0) {
    fail_zip("it cannot be read.");
  }
  length_ = static_cast<uint64_t>(length);
  const Directory directory = find_directory();
  read_directory(directory);
  for (const auto& name : names_) {
    find_data(name, records_[name]);
  }
  check_order(directory);
}

const ZipArchive::Record& ZipArchive::readable(const std::string& name) const {
  const Record& record = records_.at(name);
  if (!record.is_readable) {
    fail_zip(
        "its records are compressed or encrypted, which torch.save does not "
        "do.");
  }
  return record;
}

ZipArchive::Directory ZipArchive::find_directory() {
  const uint64_t searched = std::min(length_, kEndSize + kLongestComment);
  const uint64_t start = length_ - searched;
  const std::string tail = bytes(start, searched);
  const std::string_view view = tail;
  for (uint64_t at = searched < kEndSize ? 0 : searched - kEndSize + 1;
       at-- > 0;) {
    ByteReader end(view.substr(at));
    if (end.number<uint32_t>() != kEndMark) {
      continue;
    }
    end.take(6); // disks
    Directory directory;
    directory.count = end.number<uint16_t>();
    directory.size = end.number<uint32_t>();
    directory.begin = end.number<uint32_t>();
    const auto comment_size = end.number<uint16_t>();
    if (comment_size != end.left()) {
      continue;
    }
    uint64_t directory_end = start + at;
    if (at >= kLocator64Size) {
      ByteReader locator(view.substr(at - kLocator64Size));
      if (locator.number<uint32_t>() == kLocator64Mark) {
        locator.take(4); // disk
        directory_end = locator.number<uint64_t>();
        const std::string end64 = bytes(directory_end, kEnd64Size);
        ByteReader reader(end64);
        check_zip(reader.number<uint32_t>() == kEnd64Mark);
        reader.take(28); // its size, versions, disks, entries on this disk
        directory.count = reader.number<uint64_t>();
        directory.size = reader.number<uint64_t>();
        directory.begin = reader.number<uint64_t>();
      }
    }
    check_zip(
        directory.count > 0 && directory.begin <= directory_end &&
        directory.size <= directory_end - directory.begin);
    return directory;
  }
  fail_zip("it is no zip archive, as files of torch.save are, or it was cut.");
}

void ZipArchive::read_directory(const Directory& directory) {
  const std::string entries = bytes(directory.begin, directory.size);
  ByteReader reader(entries);
  for (uint64_t i = 0; i < directory.count; ++i) {
    check_zip(reader.number<uint32_t>() == kEntryMark);
    reader.take(4); // versions
    const auto flags = reader.number<uint16_t>();
    const auto method = reader.number<uint16_t>();
    reader.take(8); // time, checksum
    Record record;
    record.size = reader.number<uint32_t>();
    uint64_t original_size = reader.number<uint32_t>();
    const auto name_size = reader.number<uint16_t>();
    const auto extra_size = reader.number<uint16_t>();
    const auto comment_size = reader.number<uint16_t>();
    reader.take(8); // disk, attributes
    record.header = reader.number<uint32_t>();
    const std::string name(reader.take(name_size));
    read_longer(
        reader.take(extra_size),
        {&original_size, &record.size, &record.header});
    reader.take(comment_size);
    record.is_readable = method == 0 && (flags & kIsEncrypted) == 0 &&
        original_size == record.size;
    check_zip(records_.emplace(name, record).second);
    names_.push_back(name);
  }
}

void ZipArchive::find_data(const std::string& name, Record& record) {
  const std::string header = bytes(record.header, kRecordHeaderSize);
  ByteReader reader(header);
  check_zip(reader.number<uint32_t>() == kRecordMark);
  reader.take(22);
  const auto name_size = reader.number<uint16_t>();
  const auto extra_size = reader.number<uint16_t>();
  const uint64_t behind = record.header + kRecordHeaderSize;
  check_zip(bytes(behind, name_size) == name);
  record.data = behind + name_size + extra_size;
  check_zip(record.data <= length_ && record.size <= length_ - record.data);
}

void ZipArchive::check_order(const Directory& directory) const {
  std::vector<Record> records;
  records.reserve(records_.size());
  for (const auto& [name, record] : records_) {
    records.push_back(record);
  }
  std::sort(
      records.begin(), records.end(), [](const Record& a, const Record& b) {
        return a.header < b.header;
      });
  uint64_t end = 0;
  for (const Record& record : records) {
    check_zip(record.header >= end);
    end = record.data + record.size;
  }
  check_zip(end <= directory.begin);
}

void ZipArchive::read(const std::string& name, void* to) {
  const Record& record = readable(name);
  read_at(record.data, to, record.size);
}

std::string ZipArchive::text(const std::string& name) {
  const Record& record = readable(name);
  return bytes(record.data, record.size);
}

std::string ZipArchive::bytes(uint64_t begin, uint64_t count) {
  check_zip(begin <= length_ && count <= length_ - begin);
  std::string bytes(static_cast<size_t>(count), '\0');
  read_at(begin, bytes.data(), count);
  return bytes;
}

void ZipArchive::read_at(uint64_t begin, void* to, uint64_t count) {
  file_.seekg(static_cast<std::streamoff>(begin));
  file_.read(static_cast<char*>(to), static_cast<std::streamsize>(count));
  if (!file_) {
    fail_zip("it cannot be read.");
  }
}

} // namespace polytask::io::detail
