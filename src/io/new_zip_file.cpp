// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/new_zip_file.h"

namespace polytask::io::detail {

NewZipFile::NewZipFile(const std::string& who, const std::string& path)
    : file_(who, path), writer_([this](const void* data, size_t size) {
        file_.write(data, size);
        return size;
      }) {}

void NewZipFile::write(
    const std::string& record, const void* data, size_t size) {
  writer_.writeRecord(record, data, size);
}

void NewZipFile::put_in_place() {
  writer_.writeEndOfFile();
  file_.put_in_place();
}

} // namespace polytask::io::detail
