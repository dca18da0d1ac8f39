// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/exported_program.h>

#include <ATen/ops/ones.h>
#include <c10/core/CPUAllocator.h>

#include <cstdlib>
#include <new>
#include <utility>

#include "io/exported/program.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/targets.h"
#include "tests/support/program_builder.h"

namespace polytask::fuzz {

namespace {

// What a program that runs asks for is no fault of its reader: while there is
// one, larger tensors are refused, as where memory is short.
class ShortMemory : public c10::Allocator {
 public:
  ShortMemory() {
    c10::SetCPUAllocator(this, /*priority=*/1);
  }
  c10::DataPtr allocate(size_t bytes) override {
    TORCH_CHECK_WITH(
        OutOfMemoryError, !is_short || bytes <= kMost, "Memory is short.");
    void* const data = bytes == 0 ? nullptr : ::operator new(bytes);
    return {data, data, &free, c10::Device(c10::kCPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override {
    return &free;
  }
  void copy_data(void* to, const void* from, size_t count) const override {
    default_copy_data(to, from, count);
  }

  bool is_short = false;

 private:
  static constexpr size_t kMost = 1 << 20;
  static void free(void* data) {
    ::operator delete(data);
  }
};

// An archive with the weights of a trunk, in which the program is another.
std::string archive_with(std::string_view program) {
  static const auto records =
      testing::trunk_program(testing::TrunkParts()).records();
  std::vector<std::pair<std::string, std::string_view>> views;
  for (const auto& [name, text] : records) {
    const bool is_program = name == "models/model.json";
    views.emplace_back("a/" + name, is_program ? program : text);
  }
  return zip_of(views);
}

// Inputs of its sizes, where they are small.
std::vector<Inputs::Named> inputs_of(const io::detail::Program& program) {
  constexpr int64_t kMost = 4096;
  std::vector<Inputs::Named> inputs;
  for (const auto& input : program.inputs) {
    std::vector<int64_t> sizes;
    int64_t count = 1;
    for (const auto& size : input.sizes) {
      sizes.push_back(size.is_symbol ? 2 : size.number);
      TORCH_CHECK_VALUE(
          sizes.back() >= 0 && sizes.back() <= kMost &&
              (count *= sizes.back()) <= kMost,
          "Too large.");
    }
    inputs.emplace_back(input.name, at::ones(sizes));
  }
  return inputs;
}

} // namespace

void read_exported_program_bytes(std::string_view bytes) {
  static ShortMemory& memory = *new ShortMemory;
  io::ExportedProgram program(file_with(archive_with(bytes)));
  try {
    const auto inputs =
        inputs_of(io::detail::parse_program(std::string(bytes)));
    memory.is_short = true;
    for (const bool is_training : {true, false}) {
      program->train(is_training);
      program->outputs(Inputs(inputs));
    }
  } catch (const c10::Error&) { // it was taken, and cannot be run
  }
  memory.is_short = false;
}

} // namespace polytask::fuzz
