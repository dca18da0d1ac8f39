// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>
#include <vector>

namespace polytask::fuzz {

/// A reader of files. It returns if it takes the bytes, throws c10::Error if it
/// refuses them, and whatever else it does is a fault.
struct Target {
  std::string_view name;
  void (*read)(std::string_view bytes);
};

/// Each in the file of its name.
void read_arff_bytes(std::string_view bytes);
void read_checkpoint_bytes(std::string_view bytes);
void read_csv_bytes(std::string_view bytes);
void read_exported_program_bytes(std::string_view bytes); // the JSON alone
void read_inference_bytes(std::string_view bytes);        // the JSON alone
void read_pickle_bytes(std::string_view bytes);           // data.pkl alone
void read_python_file_bytes(std::string_view bytes);
void read_safetensors_bytes(std::string_view bytes);

/// Throws std::out_of_range where there is none of the name.
const Target& target_named(std::string_view name);

bool is_taken(const Target& target, std::string_view bytes);

/// Ends the program: the reader broke a promise.
void expect(bool holds, const char* promise);

} // namespace polytask::fuzz
