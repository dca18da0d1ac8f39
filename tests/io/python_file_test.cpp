// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/io/python_file.h>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/quantize_per_tensor.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <caffe2/serialize/inline_container.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/serialize/output-archive.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "io/python_dtypes.h"
#include "tests/support/errors.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/says.h"

namespace polytask::io {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using testing::says;
using PythonDict = c10::impl::GenericDict;
using PythonList = c10::impl::GenericList;
using PythonRecords = std::vector<std::pair<std::string, std::string>>;

PythonDict python_dict() {
  return PythonDict(c10::AnyType::get(), c10::AnyType::get());
}

PythonList python_list(std::initializer_list<c10::IValue> values) {
  PythonList list(c10::AnyType::get());
  for (const auto& value : values) {
    list.push_back(value);
  }
  return list;
}

// Zip archives with whatever they say of themselves.
class ZipBuilder {
 public:
  struct Entry {
    std::string name;
    std::string data;
    uint64_t size = 0;   // as it says
    uint16_t method = 0; // 0: stored
    bool is_64 = false;  // its numbers in the extra field
    uint64_t offset = 0; // of its header
  };
  std::vector<Entry> entries;
  std::string bytes;

  ZipBuilder& add(const std::string& name, const std::string& data) {
    entries.push_back({name, data, data.size(), 0, false, bytes.size()});
    number(0x04034b50, 4).number(0, 22);
    number(name.size(), 2).number(0, 2);
    bytes += name + data;
    return *this;
  }

  std::string done() {
    const uint64_t begin = bytes.size();
    for (const Entry& entry : entries) {
      const auto in_32 = [&](uint64_t value) {
        return entry.is_64 ? 0xffffffff : value;
      };
      number(0x02014b50, 4).number(0, 6).number(entry.method, 2);
      number(0, 8).number(in_32(entry.size), 4).number(in_32(entry.size), 4);
      number(entry.name.size(), 2).number(entry.is_64 ? 28 : 0, 2);
      number(0, 10).number(in_32(entry.offset), 4);
      bytes += entry.name;
      if (entry.is_64) {
        number(1, 2).number(24, 2).number(entry.size, 8);
        number(entry.size, 8).number(entry.offset, 8);
      }
    }
    const uint64_t size = bytes.size() - begin;
    number(0x06054b50, 4).number(0, 4);
    number(entries.size(), 2).number(entries.size(), 2);
    number(size, 4).number(begin, 4).number(0, 2);
    return bytes;
  }

 private:
  ZipBuilder& number(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) {
      bytes.push_back(i < 8 ? static_cast<char>(value >> (8 * i)) : '\0');
    }
    return *this;
  }
};

class PythonFile : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder);
  }
  void TearDown() override {
    std::filesystem::remove_all(folder);
  }

  std::string content() const {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write_bytes(const std::string& bytes) const {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  void write_records(
      const PythonRecords& records, bool compress = false) const {
    caffe2::serialize::PyTorchStreamWriter writer(path);
    for (const auto& [name, data] : records) {
      writer.writeRecord(name, data.data(), data.size(), compress);
    }
    writer.writeEndOfFile();
  }
  c10::IValue written_and_read(const c10::IValue& value) const {
    write_python(path, value);
    return read_python(path);
  }
  at::Tensor tensor_written_and_read(const at::Tensor& tensor) const {
    return written_and_read(tensor).toTensor();
  }
  std::string read_error() const {
    return error_of([&] { read_python(path); });
  }
  std::string write_error(const c10::IValue& value) const {
    return error_of([&] { write_python(path, value); });
  }

  const std::string folder = ::testing::TempDir() + "polytask_python_file";
  const std::string path = folder + "/a.pt";
  // One whose pickle is None.
  const std::string none = std::string("\x80\x02N.");
};

TEST_F(PythonFile, KeepsNestedValues) {
  auto state = python_dict();
  state.insert("b.weight", at::ones({2, 3}));
  state.insert("a.bias", at::zeros({3}, at::kDouble));
  auto checkpoint = python_dict();
  checkpoint.insert("model", state);
  checkpoint.insert("epoch", 3);
  checkpoint.insert(int64_t{1} << 40, -(int64_t{1} << 40));
  checkpoint.insert(0.5, std::numeric_limits<double>::infinity());
  checkpoint.insert(true, "caf\xc3\xa9");
  checkpoint.insert(
      "flags",
      python_list(
          {true,
           c10::IValue(),
           1.5,
           c10::ivalue::Tuple::create({1, -2}),
           c10::ivalue::Tuple::create(std::vector<c10::IValue>{}),
           c10::Device(at::kCUDA, 1)}));
  const auto read = written_and_read(checkpoint).toGenericDict();
  ASSERT_EQ(read.size(), 6U);
  EXPECT_EQ(read.at("epoch").toInt(), 3);
  EXPECT_EQ(read.at(int64_t{1} << 40).toInt(), -(int64_t{1} << 40));
  EXPECT_EQ(read.at(0.5).toDouble(), std::numeric_limits<double>::infinity());
  EXPECT_EQ(read.at(true).toStringRef(), "caf\xc3\xa9");
  const auto flags = read.at("flags").toList();
  EXPECT_TRUE(flags.get(0).toBool());
  EXPECT_TRUE(flags.get(1).isNone());
  EXPECT_EQ(flags.get(2).toDouble(), 1.5);
  EXPECT_EQ(flags.get(3).toTupleRef().elements()[1].toInt(), -2);
  EXPECT_TRUE(flags.get(4).toTupleRef().elements().empty());
  EXPECT_EQ(flags.get(5).toDevice(), c10::Device(at::kCUDA, 1));
  const auto tensors = tensors_of(read.at("model"));
  EXPECT_THAT(tensors.keys(), ElementsAre("b.weight", "a.bias"));
  EXPECT_TRUE(tensors["b.weight"].equal(at::ones({2, 3})));
  EXPECT_TRUE(tensors["a.bias"].equal(at::zeros({3}, at::kDouble)));
}

TEST_F(PythonFile, KeepsEveryDtype) {
  EXPECT_GE(detail::python_dtypes().size(), 20U);
  for (const auto& dtype : detail::python_dtypes()) {
    const at::Tensor bytes = at::arange(96, at::kByte);
    const at::Tensor tensor =
        at::empty({0}, dtype.type).set_(bytes.storage(), 0, {6}, {1});
    const at::Tensor read = tensor_written_and_read(tensor);
    EXPECT_EQ(read.scalar_type(), dtype.type);
    EXPECT_EQ(read.sizes(), tensor.sizes());
    EXPECT_EQ(
        std::memcmp(
            read.const_data_ptr(), tensor.const_data_ptr(), read.nbytes()),
        0)
        << dtype.name;
  }
}

TEST_F(PythonFile, KeepsShapesAndStrides) {
  const at::Tensor base = at::rand({4, 6});
  for (const at::Tensor& tensor :
       {base,
        base.t(),
        base[1][2],
        base.slice(0, 1, 3),
        base.select(1, 2),
        base.slice(1, 0, 6, 2),
        base.slice(0, 2, 2),
        base[0].expand({5, 6}),
        at::rand({}),
        at::rand({0, 3}),
        at::rand({2, 3, 4, 5}).to(at::MemoryFormat::ChannelsLast),
        at::rand({3}, at::kComplexFloat).conj(),
        at::imag(at::rand({3}, at::kComplexFloat).conj())}) {
    const at::Tensor read = tensor_written_and_read(tensor);
    EXPECT_EQ(read.sizes(), tensor.sizes());
    EXPECT_TRUE(read.equal(tensor.resolve_conj().resolve_neg()));
  }
  EXPECT_EQ(tensor_written_and_read(base.t()).strides(), base.t().strides());
  EXPECT_EQ(
      tensor_written_and_read(base[0].expand({5, 6})).storage().nbytes(), 24U);
}

TEST_F(PythonFile, DropsGradients) {
  const at::Tensor weight = at::rand({3}).set_requires_grad(true);
  const at::Tensor read = tensor_written_and_read(weight.mul(2));
  EXPECT_FALSE(read.requires_grad());
  EXPECT_TRUE(read.equal(weight.detach().mul(2)));
}

TEST_F(PythonFile, WritesTheWholeOfAStorageThatATensorHas) {
  const at::Tensor base = at::rand({4, 6});
  const auto read =
      written_and_read(
          python_list({base.select(1, 2), base, base.t(), base.detach()}))
          .toList();
  const at::Tensor first = read.get(0).toTensor();
  EXPECT_EQ(first.storage_offset(), 2);
  EXPECT_EQ(first.strides(), base.select(1, 2).strides());
  for (const size_t other : {1U, 2U, 3U}) {
    EXPECT_TRUE(first.is_alias_of(read.get(other).toTensor()));
  }
}

TEST_F(PythonFile, WritesOnlyThePartsOfOtherStorages) {
  const at::Tensor flat = at::rand({1000000});
  const at::Tensor weight = flat.slice(0, 10, 16).view({2, 3});
  const auto read = written_and_read(python_list(
                                         {weight,
                                          weight.detach(),
                                          weight.t(),
                                          flat.slice(0, 16, 20),
                                          flat.slice(0, 0, 1000, 100)}))
                        .toList();
  EXPECT_LT(std::filesystem::file_size(path), 5000U);
  const at::Tensor first = read.get(0).toTensor();
  EXPECT_TRUE(first.equal(weight));
  EXPECT_EQ(first.storage().nbytes(), 24U);
  EXPECT_TRUE(first.is_alias_of(read.get(1).toTensor()));
  EXPECT_TRUE(first.is_alias_of(read.get(2).toTensor()));
  EXPECT_FALSE(first.is_alias_of(read.get(3).toTensor()));
  EXPECT_TRUE(read.get(4).toTensor().equal(flat.slice(0, 0, 1000, 100)));
}

TEST_F(PythonFile, WritesAStorageOncePerDtype) {
  const at::Tensor floats = at::rand({4});
  const auto read =
      written_and_read(python_list({floats, floats.view(at::kInt)})).toList();
  EXPECT_TRUE(read.get(0).toTensor().equal(floats));
  EXPECT_TRUE(read.get(1).toTensor().equal(floats.view(at::kInt)));
}

TEST_F(PythonFile, KeepsWhatIsThereTwiceTheSame) {
  const c10::IValue tensor = at::rand({3}).expand({2, 3});
  c10::IValue list = python_list({tensor, tensor});
  for (int i = 0; i < 150; ++i) {
    list = python_list({list, list});
  }
  c10::IValue read = written_and_read(list);
  EXPECT_TRUE(read.toListRef()[0].is(read.toListRef()[1]));
  while (read.isList()) {
    read = read.toList().get(1);
  }
  EXPECT_TRUE(read.toTensor().equal(tensor.toTensor()));
}

TEST_F(PythonFile, WritesListsAndDictsOfATypeLikeOthers) {
  c10::Dict<std::string, at::Tensor> typed;
  typed.insert("w", at::ones({1}));
  const auto read =
      written_and_read(python_list(
                           {c10::List<int64_t>({1, 2}),
                            c10::List<at::Tensor>({at::ones({2})}),
                            typed}))
          .toList();
  EXPECT_EQ(read.get(0).toList().get(1).toInt(), 2);
  EXPECT_TRUE(read.get(1).toList().get(0).isTensor());
  EXPECT_EQ(tensors_of(read.get(2)).size(), 1U);
  EXPECT_EQ(content().find("torch.jit"), std::string::npos);
}

TEST_F(PythonFile, NamesThePlaceOfWhatCannotBeWritten) {
  write_python(path, 1);
  const std::string before = content();
  const auto refused = [&](const c10::IValue& value, const char* what) {
    auto state = python_dict();
    state.insert("w", python_list({1, value}));
    auto all = python_dict();
    all.insert("model", state);
    return says(
        write_error(all),
        {"write_python: ", path, ": value 'model' / 'w' / 1: ", what});
  };
  EXPECT_TRUE(refused(at::Tensor(), "an undefined tensor"));
  EXPECT_TRUE(refused(at::ones({2}).to_sparse(), "a sparse tensor"));
  EXPECT_TRUE(refused(
      at::quantize_per_tensor(at::ones({2}), 0.1, 0, at::kQInt8),
      "a quantized tensor"));
  EXPECT_TRUE(
      refused(at::empty({2}, at::device(at::kMeta)), "the device meta"));
  const at::Tensor freed = at::ones({2});
  freed.storage().unsafeGetStorageImpl()->set_nbytes(0);
  EXPECT_TRUE(refused(freed, "whose memory was taken away"));
  EXPECT_TRUE(refused(c10::complex<double>(1, 2), "found ComplexDouble"));
  EXPECT_TRUE(refused("\xff", "UTF-8"));
  auto odd = python_dict();
  odd.insert(at::ones({1}), 1);
  EXPECT_TRUE(
      says(write_error(python_list({odd})), {"value 0 / ", "text or numbers"}));
  EXPECT_TRUE(says(write_error(at::Tensor()), {"the value: cannot write"}));
  EXPECT_EQ(content(), before);
}

TEST_F(PythonFile, RefusesToWriteWhatHoldsItselfOrIsTooDeep) {
  PythonList list = python_list({});
  list.push_back(list);
  EXPECT_TRUE(says(write_error(list), {"value 0", "holds itself"}));
  list.clear();
  c10::IValue deep = 1;
  for (int i = 0; i < 200; ++i) {
    deep = python_list({deep});
  }
  EXPECT_EQ(write_error(deep), "");
  EXPECT_TRUE(says(
      write_error(python_list({deep})), {"more than 200 lists", "0 / ..."}));
}

TEST_F(PythonFile, KeepsTheOldFileWhereTheDiskIsFull) {
  write_python(path, 1);
  const std::string before = content();
  std::string message;
  {
    const testing::FileSizeLimit limit(100000);
    message = write_error(at::rand({1000000}));
  }
  EXPECT_TRUE(says(message, {"write_python: cannot write ", path}));
  EXPECT_EQ(content(), before);
  EXPECT_EQ(
      std::distance(
          std::filesystem::directory_iterator(folder),
          std::filesystem::directory_iterator()),
      1);
}

TEST_F(PythonFile, NamesAPathThatCannotBeReadOrWritten) {
  EXPECT_TRUE(says(read_error(), {"read_python: ", path, "cannot be read"}));
  std::filesystem::create_directory(path);
  EXPECT_TRUE(says(read_error(), {path, "cannot be read"}));
  EXPECT_TRUE(says(write_error(1), {"write_python: cannot write ", path}));
}

TEST_F(PythonFile, RefusesFilesThatAreNoArchive) {
  for (const std::string& bytes :
       {std::string(), std::string("text"), std::string(100000, 'P')}) {
    write_bytes(bytes);
    EXPECT_TRUE(says(read_error(), {path, "no zip archive"}));
  }
}

TEST_F(PythonFile, SaysHowToSaveAnOldFileAgain) {
  write_bytes("\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.");
  EXPECT_TRUE(says(read_error(), {path, "before 1.6", "torch.save"}));
  write_bytes(std::string(257, 'x') + "ustar" + std::string(250, '\0'));
  EXPECT_TRUE(says(read_error(), {"before 1.6"}));
}

TEST_F(PythonFile, NamesOtherKindsOfFiles) {
  torch::serialize::OutputArchive archive;
  archive.write("w", at::ones({2}));
  archive.save_to(path);
  EXPECT_TRUE(
      says(read_error(), {"TorchScript", "io::ScriptModule", "torch::load"}));
  write_records({{"data.pkl", none}, {"code/__torch__.py", ""}});
  EXPECT_TRUE(says(read_error(), {"TorchScript"}));
  write_records({{"archive_format", "pt2"}, {"models/model.json", "{}"}});
  EXPECT_TRUE(says(read_error(), {"an exported program"}));
  write_bytes(
      ZipBuilder().add("serialized_exported_program.json", "{}").done());
  EXPECT_TRUE(says(read_error(), {"an exported program"}));
  write_records({{"a.npy", ""}});
  EXPECT_TRUE(says(read_error(), {"no data.pkl"}));
}

TEST_F(PythonFile, RefusesAnotherByteOrder) {
  write_records({{"data.pkl", none}, {"byteorder", "big"}});
  EXPECT_TRUE(says(read_error(), {path, "byte order"}));
  write_records({{"data.pkl", none}, {"byteorder", "little"}});
  EXPECT_TRUE(read_python(path).isNone());
}

TEST_F(PythonFile, RefusesCompressedRecords) {
  write_records({{"data.pkl", none + std::string(1000000, '.')}}, true);
  EXPECT_TRUE(says(read_error(), {path, "compressed"}));
}

TEST_F(PythonFile, RefusesWhatIsNotAllowedByName) {
  write_records(
      {{"data.pkl",
        "\x80\x02"
        "cos\nsystem\nX\x01\0\0\0a\x85R."}});
  EXPECT_TRUE(says(read_error(), {path, "'os.system' is not allowed"}));
}

// A tensor of 2 floats in the storage of a given key.
std::string pickled_tensor(const std::string& key) {
  return "\x80\x02"
         "ctorch._utils\n_rebuild_tensor_v2\n((\x8c\x07storage"
         "ctorch\nFloatStorage\n\x8c" +
      std::string(1, static_cast<char>(key.size())) + key +
      "\x8c\x03"
      "cpuK\x02tQ" +
      std::string("K\0", 2) + "K\x02\x85K\x01\x85\x89NtR.";
}

TEST_F(PythonFile, HoldsStoragesAgainstTheirRecords) {
  write_records({{"data.pkl", pickled_tensor("0")}});
  EXPECT_TRUE(says(read_error(), {path, "no record of a tensor's storage"}));
  write_records({{"data.pkl", pickled_tensor("0")}, {"data/0", "1234567"}});
  EXPECT_TRUE(says(read_error(), {"its record has 7 bytes"}));
  write_records({{"data.pkl", pickled_tensor("0")}, {"data/0", "12345678"}});
  EXPECT_EQ(read_python(path).toTensor().numel(), 2);
}

// A name is the name of a record, and nothing else.
TEST_F(PythonFile, TakesNoNameForAPath) {
  write_records({{"data.pkl", pickled_tensor("../../a")}});
  std::ofstream(folder + "/a") << "12345678";
  EXPECT_TRUE(says(read_error(), {"no record"}));
  write_bytes(ZipBuilder()
                  .add("../data.pkl", pickled_tensor("../../a"))
                  .add("../data/../../a", "12345678")
                  .add("/etc/a", "")
                  .done());
  EXPECT_EQ(read_python(path).toTensor().numel(), 2);
}

TEST_F(PythonFile, ReadsNumbersOf64Bits) {
  ZipBuilder builder;
  builder.add("a/data.pkl", pickled_tensor("0")).add("a/data/0", "12345678");
  for (auto& entry : builder.entries) {
    entry.is_64 = true;
  }
  write_bytes(builder.done());
  EXPECT_EQ(read_python(path).toTensor().numel(), 2);
}

TEST_F(PythonFile, RefusesRecordsBeyondTheFileOrInOneAnother) {
  const auto refused = [&](auto&& change) {
    ZipBuilder builder;
    builder.add("a/data.pkl", none).add("a/data/0", std::string(100, 'x'));
    change(builder.entries);
    write_bytes(builder.done());
    return says(read_error(), {path, "it is cut, or damaged"});
  };
  using Entries = std::vector<ZipBuilder::Entry>;
  EXPECT_TRUE(refused([](Entries& all) { all[1].size = 0xfffffff0; }));
  EXPECT_TRUE(refused([](Entries& all) {
    all[1].is_64 = true;
    all[1].size = std::numeric_limits<uint64_t>::max();
  }));
  EXPECT_TRUE(refused([](Entries& all) {
    all[1].is_64 = true;
    all[1].offset = std::numeric_limits<uint64_t>::max() - 10;
  }));
  EXPECT_TRUE(refused([](Entries& all) { all[0].size = 60; }));
  EXPECT_TRUE(refused([](Entries& all) { all[1].offset = 0; }));
  EXPECT_TRUE(refused([](Entries& all) { all.push_back(all[1]); }));
  EXPECT_TRUE(refused([](Entries& all) { all[1].name[0] = 'b'; }));
  // Into the directory.
  EXPECT_TRUE(refused([](Entries& all) { all[1].size = 120; }));
}

TEST_F(PythonFile, RefusesAFileThatEndsAnywhere) {
  write_records({{"data.pkl", pickled_tensor("0")}, {"data/0", "12345678"}});
  const std::string bytes = content();
  for (size_t length = 0; length < bytes.size(); ++length) {
    write_bytes(bytes.substr(0, length));
    ASSERT_TRUE(says(read_error(), {path})) << length;
  }
}

// Either an error or a value: bytes of weights, text or dates may be any.
TEST_F(PythonFile, OutlivesEveryChangedByte) {
  write_records({{"data.pkl", pickled_tensor("0")}, {"data/0", "12345678"}});
  const std::string bytes = content();
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ "\x01\x80\xff"[at % 3]);
    write_bytes(changed);
    const std::string message = read_error();
    ASSERT_TRUE(message.empty() || says(message, {path})) << at;
  }
}

TEST(TensorsOf, NamesTheKeyThatIsNoTensor) {
  const auto error = [](const c10::IValue& value) {
    return error_of([&] { tensors_of(value); });
  };
  EXPECT_TRUE(says(error(3), {"expected a dict of tensors", "found Int"}));
  auto state = python_dict();
  state.insert("w", at::ones({1}));
  EXPECT_EQ(error(state), "");
  state.insert("epoch", 3);
  EXPECT_TRUE(says(error(state), {"'epoch' is Int"}));
  auto checkpoint = python_dict();
  checkpoint.insert("model", state);
  EXPECT_TRUE(says(error(checkpoint), {"'model' is GenericDict", "alone"}));
  auto numbers = python_dict();
  numbers.insert(0, at::ones({1}));
  EXPECT_TRUE(says(error(numbers), {"the key 0"}));
}

} // namespace
} // namespace polytask::io
