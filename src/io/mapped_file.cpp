// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/mapped_file.h"

#include <c10/util/Exception.h>

#if defined(_WIN32)
#include <fstream>
#else
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

#include <cerrno>
#include <memory>
#include <system_error>

namespace polytask::io::detail {

namespace {

[[noreturn]] void fail_to_map(const std::string& who, const std::string& why) {
  TORCH_CHECK_VALUE(false, who, ": cannot be read: ", why, ".");
}

[[noreturn]] void fail_to_map(const std::string& who, int error) {
  fail_to_map(who, std::generic_category().message(error));
}

} // namespace

#if defined(_WIN32)

MappedFile::MappedFile(const std::string& who, const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) {
    fail_to_map(who, errno);
  }
  const std::streamoff size = file.tellg();
  auto bytes = std::make_unique<char[]>(static_cast<size_t>(size));
  file.seekg(0);
  file.read(bytes.get(), size);
  if (!file) {
    fail_to_map(who, errno);
  }
  size_ = static_cast<size_t>(size);
  data_ = bytes.release();
}

MappedFile::~MappedFile() {
  delete[] data_;
}

#else

namespace {

class OpenFileToMap {
 public:
  // Without O_NONBLOCK, a named pipe would wait for whoever writes into it.
  OpenFileToMap(const std::string& who, const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (file_ < 0) {
      fail_to_map(who, errno);
    }
  }
  ~OpenFileToMap() {
    ::close(file_);
  }
  OpenFileToMap(const OpenFileToMap&) = delete;
  OpenFileToMap& operator=(const OpenFileToMap&) = delete;

  int get() const {
    return file_;
  }

 private:
  int file_;
};

} // namespace

MappedFile::MappedFile(const std::string& who, const std::string& path) {
  const OpenFileToMap file(who, path);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) {
    fail_to_map(who, errno);
  }
  if (S_ISDIR(facts.st_mode)) {
    fail_to_map(who, EISDIR);
  }
  if (!S_ISREG(facts.st_mode)) {
    fail_to_map(who, "it is not a regular file");
  }
  size_ = static_cast<size_t>(facts.st_size);
  if (size_ == 0) { // which cannot be mapped
    return;
  }
  // No reserve: else memory would have to be there for a copy of all.
  void* const data = ::mmap(
      nullptr,
      size_,
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_NORESERVE,
      file.get(),
      0);
  if (data == MAP_FAILED) {
    fail_to_map(who, errno);
  }
  data_ = static_cast<char*>(data);
}

MappedFile::~MappedFile() {
  if (data_) {
    ::munmap(data_, size_);
  }
}

#endif

} // namespace polytask::io::detail
