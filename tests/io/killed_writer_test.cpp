// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <polytask/io/exported_program.h>
#include <polytask/io/inference.h>
#include <polytask/io/python_file.h>
#include <polytask/io/script_module.h>
#include <polytask/io/weights.h>
#include <polytask/task/losses/mse.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>

#include "tests/support/program_builder.h"

namespace polytask::io {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kWide = 400; // a file takes some milliseconds

// Of a file: writes it with all weights equal to a number, and reads one that
// stands in it, whole.
struct Writer {
  std::string end;
  std::function<void(const std::string& path, double value)> write;
  std::function<at::Tensor(const std::string& path)> read;
};

void fill(torch::nn::Module& module, double value) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) {
    parameter.fill_(value);
  }
}

template <typename Make>
Writer weights_writer(const std::string& end, const Make& make) {
  return {
      end,
      [make](const std::string& path, double value) {
        auto net = make();
        fill(*net, value);
        save_weights(*net, path);
      },
      [make](const std::string& path) {
        auto net = make();
        load_weights(*net, path);
        return net->weight;
      }};
}

// Of one that saves the program it was loaded from.
template <typename Program>
Writer program_writer(const std::string& end, const std::string& from) {
  return {
      end,
      [from](const std::string& path, double value) {
        Program program(from);
        fill(*program, value);
        program->save(path);
      },
      [](const std::string& path) {
        return Program(path)->parameters().front();
      }};
}

Writer inference_writer() {
  return {
      ".safetensors",
      [](const std::string& path, double value) {
        MultiTaskModel model;
        model->add_task("a", Task(torch::nn::Linear(kWide, kWide), MSELoss()));
        fill(*model, value);
        export_for_inference(model, path);
      },
      [](const std::string& path) {
        return InferenceModel(path).model()->parameters().front();
      }};
}

std::string exported_linear(const std::string& folder) {
  const std::string path = folder + "/linear.pt2";
  testing::ProgramBuilder()
      .parameter("weight", torch::ones({kWide, kWide}))
      .input("x", {-1, kWide})
      .node(
          "linear.default",
          {{"input", testing::tensor_named("x")},
           {"weight", testing::tensor_named("weight")}},
          "y")
      .output("y")
      .write(path);
  return path;
}

std::string scripted_linear(const std::string& folder) {
  torch::jit::Module module("Net");
  module.register_parameter("weight", torch::ones({kWide, kWide}), false);
  module.define(
      "def forward(self, x):\n    return torch.linear(x, self.weight)\n");
  module.save(folder + "/linear.ts");
  return folder + "/linear.ts";
}

// A child writes 1 and 2 in turn until it is killed.
void write_and_be_killed(
    const Writer& writer, const std::string& path, int64_t microseconds) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    for (int i = 0;; ++i) {
      try {
        writer.write(path, i % 2 == 0 ? 2 : 1);
      } catch (...) {
        std::_Exit(1);
      }
    }
  }
  ::usleep(static_cast<useconds_t>(microseconds));
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status)) << "it could not write";
}

// POLYTASK_KILLS: how often.
int kills() {
  const char* const asked = std::getenv("POLYTASK_KILLS");
  return asked == nullptr ? 20 : std::atoi(asked);
}

void expect_whole_files(const Writer& writer, const std::string& folder) {
  const std::string path = folder + "/file" + writer.end;
  writer.write(path, 1);
  std::mt19937_64 random(5);
  std::uniform_int_distribution<int64_t> moment(0, 20'000);
  for (int i = 0; i < kills(); ++i) {
    write_and_be_killed(writer, path, moment(random));
    const at::Tensor read = writer.read(path).detach();
    const auto first = read.flatten()[0].item<double>();
    ASSERT_TRUE(first == 1 || first == 2);
    ASSERT_TRUE(read.eq(first).all().item<bool>());
  }
}

class KilledWriter : public ::testing::Test {
 protected:
  KilledWriter() {
    fs::create_directories(folder);
  }
  ~KilledWriter() override {
    fs::remove_all(folder);
  }
  const std::string folder = ::testing::TempDir() + "killed_" +
      std::to_string(::getpid()) +
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

const auto wide_linear = [] { return torch::nn::Linear(kWide, kWide); };

TEST_F(KilledWriter, LeavesSafetensorsWhole) {
  expect_whole_files(weights_writer(".safetensors", wide_linear), folder);
}

TEST_F(KilledWriter, LeavesPythonFilesWhole) {
  expect_whole_files(weights_writer(".pt", wide_linear), folder);
}

TEST_F(KilledWriter, LeavesFilesForInferenceWhole) {
  expect_whole_files(inference_writer(), folder);
}

TEST_F(KilledWriter, LeavesScriptsWhole) {
  expect_whole_files(
      program_writer<ScriptModule>(".ts", scripted_linear(folder)), folder);
}

TEST_F(KilledWriter, LeavesExportedProgramsWhole) {
  expect_whole_files(
      program_writer<ExportedProgram>(".pt2", exported_linear(folder)), folder);
}

} // namespace
} // namespace polytask::io
