// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <caffe2/serialize/inline_container.h>

#include <string>

#include "core/new_file.h"

namespace polytask::io::detail {

/// A zip archive as PyTorch writes them, each record aligned, which is put in
/// its place when it is complete.
class NewZipFile {
 public:
  NewZipFile(const std::string& who, const std::string& path);

  void write(const std::string& record, const void* data, size_t size);
  /// Nothing may follow.
  void put_in_place();

 private:
  polytask::detail::NewFile file_;
  caffe2::serialize::PyTorchStreamWriter writer_;
};

} // namespace polytask::io::detail
