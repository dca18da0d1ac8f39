// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <polytask/io/safetensors.h>
#include <sys/stat.h>
#include <torch/nested.h>
#include <torch/types.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/devices.h"
#include "tests/support/errors.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/says.h"

namespace polytask {
namespace {

using io::SafetensorsFile;
using io::write_safetensors;
using ::testing::ElementsAre;
using testing::error_of;
using ::testing::Pair;
using testing::says;

using TensorsToSave = torch::OrderedDict<std::string, at::Tensor>;

TensorsToSave tensors_to_save(
    const std::vector<std::pair<std::string, at::Tensor>>& pairs) {
  TensorsToSave tensors;
  for (const auto& [name, tensor] : pairs) {
    tensors.insert(name, tensor);
  }
  return tensors;
}

// A folder of the running test's own.
class SafetensorsFolder {
 public:
  SafetensorsFolder() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
  ~SafetensorsFolder() {
    std::filesystem::remove_all(folder_);
  }
  SafetensorsFolder(const SafetensorsFolder&) = delete;
  SafetensorsFolder& operator=(const SafetensorsFolder&) = delete;

  std::string path(const std::string& name) const {
    return folder_ + "/" + name;
  }
  auto file_count() const {
    return std::distance(
        std::filesystem::directory_iterator(folder_),
        std::filesystem::directory_iterator());
  }

 private:
  const std::string folder_ = ::testing::TempDir() + "polytask_safetensors_" +
      std::to_string(::getpid());
};

std::string safetensors_bytes(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_safetensors_bytes(
    const std::string& path, const std::string& bytes) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

std::string safetensors_length(uint64_t length) {
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes;
}

std::string crafted_safetensors(const std::string& header, size_t data_size) {
  std::string data;
  for (size_t i = 0; i < data_size; ++i) {
    data += static_cast<char>(i);
  }
  return safetensors_length(header.size()) + header + data;
}

uint64_t length_of_safetensors_header(const std::string& bytes) {
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  return length;
}

nlohmann::json header_of_safetensors_file(const std::string& path) {
  const std::string bytes = safetensors_bytes(path);
  return nlohmann::json::parse(
      bytes.substr(8, length_of_safetensors_header(bytes)));
}

std::string bits_of_safetensors(const at::Tensor& tensor) {
  const at::Tensor values =
      tensor.resolve_conj().resolve_neg().cpu().contiguous();
  return {static_cast<const char*>(values.const_data_ptr()), values.nbytes()};
}

struct Safetensors : ::testing::Test {
  const SafetensorsFolder folder;
  const std::string path = folder.path("a.safetensors");

  std::string error_of_file(const std::string& bytes) const {
    write_safetensors_bytes(path, bytes);
    return error_of([&] { SafetensorsFile file(path); });
  }
  at::Tensor written_and_read(const at::Tensor& tensor) const {
    write_safetensors(path, tensors_to_save({{"a", tensor}}));
    return SafetensorsFile(path).tensor("a");
  }
};

// ---- What comes back

struct SafetensorsDtypeCase {
  at::ScalarType dtype;
  std::string name;
};

struct SafetensorsOfEachDtype
    : Safetensors,
      ::testing::WithParamInterface<SafetensorsDtypeCase> {};

TEST_P(SafetensorsOfEachDtype, KeepsEveryBit) {
  const auto& [dtype, name] = GetParam();
  const auto element = static_cast<int64_t>(c10::elementSize(dtype));
  // All bytes there are, so that there are NaNs of many kinds.
  const at::Tensor bytes =
      (at::arange(1024 * element) * 37 % 257 % (dtype == at::kBool ? 2 : 256))
          .to(at::kByte);
  const at::Tensor tensor = bytes.view(dtype).view({4, 1, 256});
  const at::Tensor read = written_and_read(tensor);
  EXPECT_EQ(header_of_safetensors_file(path)["a"]["dtype"], name);
  EXPECT_EQ(SafetensorsFile(path).dtype("a"), dtype);
  EXPECT_EQ(read.scalar_type(), dtype);
  EXPECT_EQ(read.sizes(), tensor.sizes());
  EXPECT_EQ(bits_of_safetensors(read), bits_of_safetensors(tensor));
}

INSTANTIATE_TEST_SUITE_P(
    Dtypes,
    SafetensorsOfEachDtype,
    ::testing::Values(
        SafetensorsDtypeCase{at::kDouble, "F64"},
        SafetensorsDtypeCase{at::kFloat, "F32"},
        SafetensorsDtypeCase{at::kHalf, "F16"},
        SafetensorsDtypeCase{at::kBFloat16, "BF16"},
        SafetensorsDtypeCase{at::kComplexFloat, "C64"},
        SafetensorsDtypeCase{at::kLong, "I64"},
        SafetensorsDtypeCase{at::kInt, "I32"},
        SafetensorsDtypeCase{at::kShort, "I16"},
        SafetensorsDtypeCase{at::kChar, "I8"},
        SafetensorsDtypeCase{at::kUInt64, "U64"},
        SafetensorsDtypeCase{at::kUInt32, "U32"},
        SafetensorsDtypeCase{at::kUInt16, "U16"},
        SafetensorsDtypeCase{at::kByte, "U8"},
        SafetensorsDtypeCase{at::kBool, "BOOL"},
        SafetensorsDtypeCase{at::kFloat8_e4m3fn, "F8_E4M3"},
        SafetensorsDtypeCase{at::kFloat8_e5m2, "F8_E5M2"},
        SafetensorsDtypeCase{at::kFloat8_e4m3fnuz, "F8_E4M3FNUZ"},
        SafetensorsDtypeCase{at::kFloat8_e5m2fnuz, "F8_E5M2FNUZ"},
        SafetensorsDtypeCase{at::kFloat8_e8m0fnu, "F8_E8M0"}),
    [](const auto& each) { return each.param.name; });

struct SafetensorsValueCase {
  std::string name;
  at::Tensor (*make)();
};

struct SafetensorsOfEachShape
    : Safetensors,
      ::testing::WithParamInterface<SafetensorsValueCase> {};

TEST_P(SafetensorsOfEachShape, ComeBackAsTheyWere) {
  const at::Tensor tensor = GetParam().make();
  const at::Tensor read = written_and_read(tensor);
  EXPECT_EQ(read.sizes(), tensor.sizes());
  EXPECT_TRUE(read.is_contiguous());
  EXPECT_FALSE(read.requires_grad());
  EXPECT_TRUE(at::equal(read, tensor.detach()));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes,
    SafetensorsOfEachShape,
    ::testing::Values(
        SafetensorsValueCase{"Scalar", [] { return at::scalar_tensor(3.5); }},
        SafetensorsValueCase{"Empty", [] { return at::empty({0}); }},
        SafetensorsValueCase{
            "EmptyOfThree", [] { return at::empty({2, 0, 5}); }},
        SafetensorsValueCase{
            "Transposed", [] { return at::randn({3, 4}).t(); }},
        SafetensorsValueCase{
            "EverySecond",
            [] { return at::randn({9, 4}).slice(0, 1, 9, 2).select(1, 2); }},
        SafetensorsValueCase{
            "Expanded", [] { return at::randn({3, 1}).expand({2, 3, 4}); }},
        SafetensorsValueCase{
            "ChannelsLast",
            [] {
              return at::randn({2, 3, 4, 5})
                  .contiguous(at::MemoryFormat::ChannelsLast);
            }},
        SafetensorsValueCase{
            "Conjugated",
            [] { return at::randn({5}, at::kComplexFloat).conj(); }},
        SafetensorsValueCase{
            "Negated",
            [] { return at::imag(at::randn({5}, at::kComplexFloat).conj()); }},
        SafetensorsValueCase{
            "OfAGraph",
            [] { return at::ones({3}).set_requires_grad(true) * 2; }}),
    [](const auto& each) { return each.param.name; });

class SafetensorsOnEachDevice : public testing::EachDevice {};

TEST_P(SafetensorsOnEachDevice, ComeBackOnTheHost) {
  const SafetensorsFolder folder;
  const std::string path = folder.path("a.safetensors");
  const at::Tensor values = at::arange(12, at::kFloat).view({3, 4});
  write_safetensors(path, tensors_to_save({{"a", values.to(device()).t()}}));
  const at::Tensor read = SafetensorsFile(path).tensor("a");
  EXPECT_TRUE(read.device().is_cpu());
  EXPECT_TRUE(at::equal(read, values.t()));
}

POLYTASK_ON_EACH_DEVICE(SafetensorsOnEachDevice);

TEST_F(Safetensors, KeepAnyName) {
  const std::vector<std::string> names = {
      "",
      "trunk.0.weight",
      R"(a "quoted\ name")",
      "gr\xc3\xb6n",
      "\xf0\x9f\x8c\x8d",
      std::string("zero\0line\n", 10),
      "dtype",
      "__metadata",
  };
  TensorsToSave tensors;
  for (const auto& name : names) {
    tensors.insert(name, at::randn({2}));
  }
  write_safetensors(path, tensors);
  const SafetensorsFile file(path);
  EXPECT_EQ(file.names(), names);
  for (const auto& name : names) {
    EXPECT_TRUE(file.contains(name));
    EXPECT_TRUE(at::equal(file.tensor(name), tensors[name]));
  }
}

TEST_F(Safetensors, KeepMetadata) {
  const std::map<std::string, std::string> metadata = {
      {"", ""}, {"format", "pt"}, {"a \"b\"\n", R"({"json": [1, "\""]})"}};
  write_safetensors(path, tensors_to_save({{"a", at::ones(1)}}), metadata);
  EXPECT_EQ(SafetensorsFile(path).metadata(), metadata);
}

TEST_F(Safetensors, MayBeNone) {
  write_safetensors(path, TensorsToSave());
  EXPECT_EQ(safetensors_bytes(path), crafted_safetensors("{}      ", 0));
  const SafetensorsFile file(path);
  EXPECT_TRUE(file.names().empty());
  EXPECT_TRUE(file.metadata().empty());
}

// The bytes that the format's own test expects: test_serialization in
// safetensors/src/tensor.rs.
TEST_F(Safetensors, AreWrittenAsTheFormatsOwnWriterDoes) {
  write_safetensors(
      path,
      tensors_to_save(
          {{"attn0", at::arange(6, at::kFloat).view({1, 1, 2, 3})}}));
  const std::string header =
      R"({"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}})"
      "       ";
  EXPECT_EQ(header.size(), 72);
  EXPECT_EQ(
      safetensors_bytes(path),
      safetensors_length(72) + header +
          bits_of_safetensors(at::arange(6, at::kFloat)));
}

TEST_F(Safetensors, AreOrderedByTheSizeOfTheirElementsThenAsGiven) {
  write_safetensors(
      path,
      tensors_to_save(
          {{"flag", at::ones({3}, at::kBool)},
           {"z", at::ones({3}, at::kFloat)},
           {"half", at::ones({1}, at::kHalf)},
           {"long", at::ones({2}, at::kLong)},
           {"a", at::ones({1}, at::kInt)},
           {"byte", at::ones({1}, at::kByte)},
           {"complex", at::ones({1}, at::kComplexFloat)}}),
      {{"odd", "length"}});
  const SafetensorsFile file(path);
  EXPECT_THAT(
      file.names(),
      ElementsAre("long", "complex", "z", "a", "half", "flag", "byte"));
  const uint64_t length = length_of_safetensors_header(safetensors_bytes(path));
  EXPECT_EQ(length % 8, 0);
  const auto header = header_of_safetensors_file(path);
  for (const auto& name : file.names()) {
    const uint64_t begin =
        8 + length + header[name]["data_offsets"][0].get<uint64_t>();
    EXPECT_EQ(begin % c10::elementSize(file.dtype(name)), 0) << name;
  }
}

// ---- The mapping

TEST_F(Safetensors, AreViewsOfOneMapping) {
  const at::Tensor a = at::arange(4, at::kFloat);
  const at::Tensor b = at::arange(3, at::kFloat);
  write_safetensors(path, tensors_to_save({{"a", a}, {"b", b}}));
  const SafetensorsFile file(path);
  const at::Tensor read = file.tensor("a");
  EXPECT_EQ(file.tensor("a").data_ptr(), read.data_ptr());
  EXPECT_EQ(
      file.tensor("b").data_ptr<float>(),
      read.data_ptr<float>() + read.numel());
}

TEST_F(Safetensors, ChangeInPlaceWithoutTheFile) {
  const at::Tensor tensor = at::arange(4, at::kFloat);
  write_safetensors(path, tensors_to_save({{"a", tensor}}));
  const std::string before = safetensors_bytes(path);
  const SafetensorsFile file(path);
  const SafetensorsFile copy = file;
  file.tensor("a").add_(1);
  EXPECT_TRUE(at::equal(file.tensor("a"), tensor + 1));
  EXPECT_TRUE(at::equal(copy.tensor("a"), tensor + 1));
  EXPECT_EQ(safetensors_bytes(path), before);
  EXPECT_TRUE(at::equal(SafetensorsFile(path).tensor("a"), tensor));
}

TEST_F(Safetensors, OutliveTheirFile) {
  const at::Tensor tensor = at::randn({1000});
  const at::Tensor read = written_and_read(tensor);
  std::filesystem::remove(path);
  EXPECT_TRUE(at::equal(read, tensor));
}

TEST_F(Safetensors, StayAsTheyAreWhenTheirFileIsWrittenAnew) {
  const at::Tensor read = written_and_read(at::ones({1000}));
  const at::Tensor other = written_and_read(read + 1);
  EXPECT_TRUE(at::equal(read, at::ones({1000})));
  EXPECT_TRUE(at::equal(other, at::full({1000}, 2.0)));
}

TEST_F(Safetensors, AreCopiedWhereTheDataAreMisaligned) {
  const std::string header =
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
      R"("a":{"dtype":"I32","shape":[2],"data_offsets":[1,9]}})";
  write_safetensors_bytes(
      path,
      crafted_safetensors(header + std::string(8 - header.size() % 8, ' '), 9));
  const SafetensorsFile file(path);
  const at::Tensor read = file.tensor("a");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(read.data_ptr()) % 4, 0);
  EXPECT_NE(read.data_ptr(), file.tensor("a").data_ptr());
  EXPECT_EQ(bits_of_safetensors(read), "\1\2\3\4\5\6\7\10");
}

// ---- What is refused

constexpr auto kOneSafetensor =
    R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";

std::string header_with_tensor(const std::string& rest) {
  return R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)" + rest +
      "}";
}

std::string header_of_tensor(
    const std::string& dtype,
    const std::string& shape,
    const std::string& offsets) {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape +
      R"(,"data_offsets":)" + offsets + "}}";
}

std::string repeated_for_safetensors(const std::string& text, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) {
    all += text;
  }
  return all;
}

struct BadSafetensorsCase {
  std::string name;
  std::string bytes;
  std::vector<std::string> texts;
};

struct BadSafetensors : Safetensors,
                        ::testing::WithParamInterface<BadSafetensorsCase> {};

TEST_P(BadSafetensors, AreRefused) {
  const std::string message = error_of_file(GetParam().bytes);
  EXPECT_TRUE(says(message, {"SafetensorsFile: '" + path + "': "}));
  EXPECT_LT(message.size(), 2000);
  for (const auto& text : GetParam().texts) {
    EXPECT_TRUE(says(message, {text}));
  }
}

std::vector<BadSafetensorsCase> bad_safetensors_framing() {
  return {
      {"Nothing", "", {"length in 8 bytes", "the file has 0"}},
      {"SevenBytes", "1234567", {"the file has 7"}},
      {"LengthAlone",
       safetensors_length(2),
       {"header has 2 bytes", "has 0 of them"}},
      {"CutHeader",
       safetensors_length(3) + "{}",
       {"header has 3 bytes", "has 2"}},
      {"LargestLength",
       safetensors_length(std::numeric_limits<uint64_t>::max()) + "{}",
       {"at most 100000000 bytes", "18446744073709551615"}},
      {"LengthBeyondTheLimit",
       safetensors_length(100'000'001) + "{}",
       {"at most 100000000", "100000001"}},
      {"LengthAtTheLimit",
       safetensors_length(100'000'000) + "{}",
       {"is it cut?"}},
      {"AnArchive",
       "PK\3\4" + std::string(100, 'x'),
       {"is this a safetensors file?"}},
      {"NoHeader",
       crafted_safetensors("", 0),
       {"begins with '{', but found none"}},
      {"BlankFirst",
       crafted_safetensors(" {}", 0),
       {"begins with '{', but found ' '"}},
      {"ByteOrderMark",
       crafted_safetensors("\xef\xbb\xbf{}", 0),
       {"begins with '{'"}},
      {"List",
       crafted_safetensors("[]", 0),
       {"begins with '{', but found '['"}},
      {"Unfinished", crafted_safetensors("{", 0), {"no valid JSON"}},
      {"Comma", crafted_safetensors("{,}", 0), {"no valid JSON: byte 2"}},
      {"CommaAtTheEnd",
       crafted_safetensors(header_with_tensor(""), 2),
       {"no valid JSON"}},
      {"Comment", crafted_safetensors("{/**/}", 0), {"no valid JSON"}},
      {"TextBehind",
       crafted_safetensors("{} x", 0),
       {"no valid JSON: byte 4, at the end of '{} x'"}},
      {"ObjectBehind", crafted_safetensors("{}{}", 0), {"no valid JSON"}},
      {"ZeroBehind",
       crafted_safetensors(std::string("{}\0", 3), 0),
       {"no valid JSON: byte 3 is zero"}},
      {"NoUtf8", crafted_safetensors("{\"\xff\":1}", 0), {"no valid JSON"}},
      {"HalfASurrogate",
       crafted_safetensors(R"({"\ud800":1})", 0),
       {"no valid JSON"}},
      {"LongText",
       crafted_safetensors("{\"" + std::string(1'000'000, 'x'), 0),
       {"no valid JSON", "at the end of '...xxx"}},
      {"MoreData",
       crafted_safetensors(kOneSafetensor, 3),
       {"end at byte 2", "data has 3"}},
      {"DataAlone",
       crafted_safetensors("{}", 1),
       {"end at byte 0", "data has 1"}},
      {"LessData",
       crafted_safetensors(kOneSafetensor, 1),
       {"tensor 'a' ends at byte 2, and the data has 1"}},
  };
}

std::vector<BadSafetensorsCase> bad_safetensors_tensors() {
  const std::string deep(1'000'000, '[');
  const std::string long_name(1'000'000, 'n');
  return {
      {"Number",
       crafted_safetensors(R"({"a":1})", 0),
       {"tensor 'a'", "but found 1"}},
      {"Null",
       crafted_safetensors(R"({"a":null})", 0),
       {"tensor 'a'", "found null"}},
      {"ListOfFields",
       crafted_safetensors(R"({"a":["U8",[2],[0,2]]})", 2),
       {"tensor 'a'", "expected an object", "found a list"}},
      {"NoFields",
       crafted_safetensors(R"({"a":{}})", 0),
       {"tensor 'a': it has no dtype"}},
      {"NoShape",
       crafted_safetensors(R"({"a":{"dtype":"U8","data_offsets":[0,2]}})", 2),
       {"tensor 'a': it has no shape"}},
      {"NoOffsets",
       crafted_safetensors(R"({"a":{"dtype":"U8","shape":[2]}})", 2),
       {"tensor 'a': it has no data_offsets"}},
      {"TwoShapes",
       crafted_safetensors(
           R"({"a":{"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2]}})",
           2),
       {"tensor 'a': it has its shape twice"}},
      {"TwoOfAName",
       crafted_safetensors(
           header_with_tensor(
               R"("a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]})"),
           4),
       {"two tensors are named 'a'"}},
      {"TwoOfANameThatIsEscaped",
       crafted_safetensors(header_with_tensor(R"("\u0061":{})"), 2),
       {"two tensors are named 'a'"}},
      {"UnknownDtype",
       crafted_safetensors(header_of_tensor("\"F128\"", "[2]", "[0,2]"), 2),
       {"tensor 'a': unknown dtype 'F128'", "'F64', 'F32'", "'BOOL'"}},
      {"DtypeOfPartsOfBytes",
       crafted_safetensors(header_of_tensor("\"F4\"", "[4]", "[0,2]"), 2),
       {"tensor 'a': unknown dtype 'F4'"}},
      {"DtypeInSmallLetters",
       crafted_safetensors(header_of_tensor("\"u8\"", "[2]", "[0,2]"), 2),
       {"unknown dtype 'u8'"}},
      {"DtypeNumber",
       crafted_safetensors(header_of_tensor("8", "[2]", "[0,2]"), 2),
       {"dtype: expected a text, but found 8"}},
      {"DtypeObject",
       crafted_safetensors(
           header_of_tensor(R"({"U8":null})", "[2]", "[0,2]"), 2),
       {"dtype: expected a text, but found an object"}},
      {"ShapeNumber",
       crafted_safetensors(header_of_tensor("\"U8\"", "2", "[0,2]"), 2),
       {"shape: expected a list", "found 2"}},
      {"ShapeOfLists",
       crafted_safetensors(header_of_tensor("\"U8\"", "[[2]]", "[0,2]"), 2),
       {"shape: expected a list", "found a list"}},
      {"ShapeOfTexts",
       crafted_safetensors(header_of_tensor("\"U8\"", "[\"2\"]", "[0,2]"), 2),
       {"shape: expected a list", "found '2'"}},
      {"ShapeOfTruth",
       crafted_safetensors(header_of_tensor("\"U8\"", "[true]", "[0,1]"), 1),
       {"shape: expected a list", "found true"}},
      {"NegativeSize",
       crafted_safetensors(header_of_tensor("\"U8\"", "[-2]", "[0,2]"), 2),
       {"whole numbers from 0", "found -2"}},
      {"TwoNegativeSizes",
       crafted_safetensors(header_of_tensor("\"U8\"", "[-1,-2]", "[0,2]"), 2),
       {"found -1"}},
      {"Fraction",
       crafted_safetensors(header_of_tensor("\"U8\"", "[2.0]", "[0,2]"), 2),
       {"whole numbers", "found 2.0"}},
      {"Exponent",
       crafted_safetensors(header_of_tensor("\"U8\"", "[2e0]", "[0,2]"), 2),
       {"whole numbers", "found 2e0"}},
      {"MinusZero",
       crafted_safetensors(header_of_tensor("\"U8\"", "[2]", "[-0,2]"), 2),
       {"data_offsets: expected a list of whole numbers"}},
      {"SizeOf63Bits",
       crafted_safetensors(
           header_of_tensor("\"U8\"", "[0,9223372036854775808]", "[0,0]"), 0),
       {"2^63 - 1", "9223372036854775808"}},
      {"SizeOf65Bits",
       crafted_safetensors(
           header_of_tensor("\"U8\"", "[0,36893488147419103232]", "[0,0]"), 0),
       {"2^63 - 1", "36893488147419103232"}},
      {"HugeNumber",
       crafted_safetensors(header_of_tensor("\"U8\"", "[1e999]", "[0,0]"), 0),
       {"no valid JSON"}},
      {"ProductOf2To64",
       crafted_safetensors(
           header_of_tensor("\"U8\"", "[4294967296,4294967296]", "[0,0]"), 0),
       {"tensor 'a'", "[4294967296, 4294967296]", "more bytes than"}},
      {"ProductOf2To64AndTwo",
       crafted_safetensors(
           header_of_tensor("\"U8\"", "[4294967296,4294967296,2]", "[0,2]"), 2),
       {"more bytes than"}},
      {"BytesOf2To63",
       crafted_safetensors(
           header_of_tensor("\"F64\"", "[1152921504606846976]", "[0,0]"), 0),
       {"F64 of shape [1152921504606846976]", "more bytes than"}},
      {"EmptyOfHugeSizes",
       crafted_safetensors(
           header_of_tensor(
               "\"U8\"",
               "[0,4611686018427387904,4611686018427387904]",
               "[0,0]"),
           0),
       {"more bytes than"}},
      {"OffsetsNumber",
       crafted_safetensors(header_of_tensor("\"U8\"", "[2]", "2"), 2),
       {"data_offsets: expected a list"}},
      {"NoOffset",
       crafted_safetensors(header_of_tensor("\"U8\"", "[2]", "[]"), 2),
       {"expected two data_offsets, but found 0"}},
      {"OneOffset",
       crafted_safetensors(header_of_tensor("\"U8\"", "[2]", "[0]"), 2),
       {"expected two data_offsets, but found 1"}},
      {"ThreeOffsets",
       crafted_safetensors(header_of_tensor("\"U8\"", "[2]", "[0,2,2]"), 2),
       {"expected two data_offsets, but found more"}},
      {"OffsetsTurned",
       crafted_safetensors(header_of_tensor("\"U8\"", "[2]", "[2,0]"), 2),
       {"tensor 'a' begins at byte 2 and ends at byte 0"}},
      {"LargestOffsets",
       crafted_safetensors(
           header_of_tensor(
               "\"U8\"", "[2]", "[9223372036854775805,9223372036854775807]"),
           2),
       {"tensor 'a' ends at byte 9223372036854775807, and the data has 2"}},
      {"TooShortASpan",
       crafted_safetensors(header_of_tensor("\"F32\"", "[2]", "[0,4]"), 4),
       {"tensor 'a': F32 of shape [2] takes 8 bytes", "span 4"}},
      {"TooLongASpan",
       crafted_safetensors(header_of_tensor("\"F32\"", "[]", "[0,8]"), 8),
       {"F32 of shape [] takes 4 bytes", "span 8"}},
      {"EmptyWithASpan",
       crafted_safetensors(header_of_tensor("\"F32\"", "[0]", "[0,8]"), 8),
       {"takes 0 bytes", "span 8"}},
      {"HoleBefore",
       crafted_safetensors(header_of_tensor("\"U8\"", "[2]", "[1,3]"), 3),
       {"tensor 'a' begins at byte 1", "ends at byte 0"}},
      {"HoleBetween",
       crafted_safetensors(
           header_with_tensor(
               R"("b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]})"),
           4),
       {"tensor 'b' begins at byte 3", "ends at byte 2"}},
      {"Overlap",
       crafted_safetensors(
           header_with_tensor(
               R"("b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]})"),
           3),
       {"tensor 'b' begins at byte 1", "ends at byte 2"}},
      {"TwoOfAPlace",
       crafted_safetensors(
           header_with_tensor(
               R"("b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]})"),
           2),
       {"tensor 'b' begins at byte 0", "ends at byte 2"}},
      {"DeepLists",
       crafted_safetensors(R"({"a":{"x":)" + deep, 0),
       {"tensor 'a'", "128 deep"}},
      {"DeepListsForAShape",
       crafted_safetensors(R"({"a":{"shape":)" + deep, 0),
       {"tensor 'a': shape"}},
      {"LongName",
       crafted_safetensors("{\"" + long_name + "\":{}}", 0),
       {"tensor 'nnn", "nnn...': it has no dtype"}},
      {"LongDtype",
       crafted_safetensors(R"({"a":{"dtype":")" + long_name + "\"}}", 0),
       {"unknown dtype 'nnn", "nnn...'"}},
      {"LongShape",
       crafted_safetensors(
           header_of_tensor(
               "\"U8\"",
               "[1" + repeated_for_safetensors(",1", 5000) + "]",
               "[0,2]"),
           2),
       {"takes 1 bytes"}},
  };
}

std::vector<BadSafetensorsCase> bad_safetensors_metadata() {
  return {
      {"MetadataText",
       crafted_safetensors(header_with_tensor(R"("__metadata__":"x")"), 2),
       {"__metadata__: expected an object, but found 'x'"}},
      {"MetadataList",
       crafted_safetensors(header_with_tensor(R"("__metadata__":[])"), 2),
       {"__metadata__: expected an object, but found a list"}},
      {"MetadataNumber",
       crafted_safetensors(header_with_tensor(R"("__metadata__":{"k":1})"), 2),
       {"__metadata__ 'k': expected a text, but found 1"}},
      {"MetadataNull",
       crafted_safetensors(
           header_with_tensor(R"("__metadata__":{"k":null})"), 2),
       {"__metadata__ 'k': expected a text, but found null"}},
      {"MetadataObject",
       crafted_safetensors(header_with_tensor(R"("__metadata__":{"k":{}})"), 2),
       {"__metadata__ 'k': expected a text, but found an object"}},
      {"MetadataAsATensor",
       crafted_safetensors(
           R"({"__metadata__":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
           2),
       {"__metadata__ 'shape': expected a text, but found a list"}},
      {"TwoMetadata",
       crafted_safetensors(
           header_with_tensor(R"("__metadata__":{},"__metadata__":{})"), 2),
       {"__metadata__ twice"}},
      {"TwoOfAMetadataKey",
       crafted_safetensors(
           header_with_tensor(R"("__metadata__":{"k":"1","k":"2"})"), 2),
       {"__metadata__ has 'k' twice"}},
  };
}

std::string name_of_bad_safetensors(
    const ::testing::TestParamInfo<BadSafetensorsCase>& each) {
  return each.param.name;
}

INSTANTIATE_TEST_SUITE_P(
    Framing,
    BadSafetensors,
    ::testing::ValuesIn(bad_safetensors_framing()),
    name_of_bad_safetensors);
INSTANTIATE_TEST_SUITE_P(
    Tensors,
    BadSafetensors,
    ::testing::ValuesIn(bad_safetensors_tensors()),
    name_of_bad_safetensors);
INSTANTIATE_TEST_SUITE_P(
    Metadata,
    BadSafetensors,
    ::testing::ValuesIn(bad_safetensors_metadata()),
    name_of_bad_safetensors);

struct OddSafetensorsCase {
  std::string name;
  std::string bytes;
};

struct OddSafetensors : Safetensors,
                        ::testing::WithParamInterface<OddSafetensorsCase> {};

TEST_P(OddSafetensors, AreRead) {
  write_safetensors_bytes(path, GetParam().bytes);
  const SafetensorsFile file(path);
  EXPECT_EQ(bits_of_safetensors(file.tensor("a")), std::string("\0\1", 2));
  EXPECT_TRUE(file.metadata().empty());
}

// What the format's own reader takes, too.
INSTANTIATE_TEST_SUITE_P(
    Files,
    OddSafetensors,
    ::testing::Values(
        OddSafetensorsCase{"NotPadded", crafted_safetensors(kOneSafetensor, 2)},
        OddSafetensorsCase{
            "LongPadding",
            crafted_safetensors(
                kOneSafetensor + std::string(1000, ' ') + "\n\t\r ", 2)},
        OddSafetensorsCase{
            "MetadataNull",
            crafted_safetensors(
                header_with_tensor(R"("__metadata__":null)"), 2)},
        OddSafetensorsCase{
            "MetadataEmpty",
            crafted_safetensors(header_with_tensor(R"("__metadata__":{})"), 2)},
        OddSafetensorsCase{
            "UnknownFields",
            crafted_safetensors(
                R"({"a":{"x":[1,-2.5,[{"dtype":null,"shape":[true]}]],)"
                R"("dtype":"U8","y":{},"shape":[2],"x":"","z":-1,)"
                R"("data_offsets":[0,2]}})",
                2)},
        OddSafetensorsCase{
            "EscapedKeys",
            crafted_safetensors(
                R"({"\u0061":{"d\u0074ype":"U\u0038","shape":[2],)"
                R"("data_offsets":[0,2]}})",
                2)}),
    [](const auto& each) { return each.param.name; });

TEST_F(Safetensors, AreNamedInTheOrderOfTheirDataNotOfTheHeader) {
  write_safetensors_bytes(
      path,
      crafted_safetensors(
          R"({"d":{"dtype":"U8","shape":[0],"data_offsets":[3,3]},)"
          R"("c":{"dtype":"U8","shape":[1],"data_offsets":[2,3]},)"
          R"("__metadata__":{"k":"v"},)"
          R"("b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
          R"("a":{"dtype":"F64","shape":[0,3],"data_offsets":[2,2]},)"
          R"("e":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
          3));
  const SafetensorsFile file(path);
  EXPECT_THAT(file.names(), ElementsAre("e", "b", "a", "c", "d"));
  EXPECT_THAT(file.metadata(), ElementsAre(Pair("k", "v")));
  EXPECT_EQ(file.tensor("c").item<int>(), 2);
  EXPECT_EQ(file.tensor("a").sizes(), at::IntArrayRef({0, 3}));
}

// Some of everything, 3 tensors among them, of which one is misaligned.
std::string small_safetensors() {
  return crafted_safetensors(
      R"({"__metadata__":{"k":"v\n"},)"
      R"("a.0":{"dtype":"BOOL","shape":[2,1],"data_offsets":[0,2]},)"
      R"("b":{"dtype":"I16","shape":[3],"data_offsets":[2,8]},)"
      R"("c":{"dtype":"U8","shape":[],"data_offsets":[8,9],"x":[1,{}]}} )",
      9);
}

// The error, or none if every tensor can be read.
std::string error_of_safetensors(const std::string& path) {
  return error_of([&] {
    const SafetensorsFile file(path);
    for (const auto& name : file.names()) {
      const at::Tensor tensor = file.tensor(name);
      EXPECT_EQ(tensor.sizes(), file.sizes(name));
      EXPECT_EQ(bits_of_safetensors(tensor).size(), tensor.nbytes());
    }
  });
}

TEST_F(Safetensors, AreRefusedWhereverTheyAreCut) {
  const std::string whole = small_safetensors();
  write_safetensors_bytes(path, whole);
  ASSERT_EQ(error_of_safetensors(path), "");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(error_of_file(whole.substr(0, size)), "") << size;
  }
}

TEST_F(Safetensors, AreReadOrRefusedWhicheverBitFlips) {
  const std::string whole = small_safetensors();
  size_t refused = 0;
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    write_safetensors_bytes(path, bytes);
    const std::string message = error_of_safetensors(path);
    if (!message.empty()) {
      EXPECT_TRUE(says(message, {"SafetensorsFile: '" + path + "': "}));
      ++refused;
    }
  }
  // All but those in names, texts and data.
  EXPECT_GT(refused, 4 * whole.size());
}

TEST_F(Safetensors, AreReadOrRefusedWhateverAByteBecomes) {
  const std::string whole = small_safetensors();
  for (size_t at = 8; at < whole.size() - 9; ++at) {
    for (const char other : std::string_view("\0\"}[,9", 6)) {
      std::string bytes = whole;
      bytes[at] = other;
      write_safetensors_bytes(path, bytes);
      error_of_safetensors(path);
    }
  }
}

TEST_F(Safetensors, NameTheTensorsThereAreInsteadOfOneThatIsNot) {
  write_safetensors(
      path, tensors_to_save({{"a.w", at::ones(1)}, {"b", at::ones(1)}}));
  const SafetensorsFile file(path);
  EXPECT_FALSE(file.contains("c"));
  const std::string message = error_of([&] { file.tensor("c"); });
  EXPECT_TRUE(says(message, {path, "no tensor 'c'", "'a.w', 'b'."}));
  EXPECT_EQ(error_of([&] { (void)file.dtype("c"); }), message);
  EXPECT_EQ(error_of([&] { (void)file.sizes("c"); }), message);
}

TEST_F(Safetensors, RefuseABoolThatIsNeitherTrueNorFalse) {
  write_safetensors_bytes(
      path,
      crafted_safetensors(header_of_tensor("\"BOOL\"", "[3]", "[0,3]"), 3));
  const SafetensorsFile file(path);
  EXPECT_TRUE(
      says(error_of([&] { file.tensor("a"); }), {"tensor 'a'", "byte 2"}));
}

TEST_F(Safetensors, SayWhyAFileCannotBeRead) {
  const auto error_of_path = [](const std::string& file) {
    return error_of([&] { SafetensorsFile{file}; });
  };
  EXPECT_TRUE(says(error_of_path(path), {path, "No such file or directory"}));
  EXPECT_TRUE(says(error_of_path(folder.path("")), {"Is a directory"}));
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_TRUE(says(error_of_path(path), {path, "not a regular file"}));
}

TEST_F(Safetensors, SayThatAFileIsNotTheReaders) {
  if (::geteuid() == 0) {
    GTEST_SKIP() << "nothing is forbidden to this user";
  }
  write_safetensors(path, TensorsToSave());
  std::filesystem::permissions(path, std::filesystem::perms::none);
  EXPECT_TRUE(says(
      error_of([&] { SafetensorsFile{path}; }), {path, "Permission denied"}));
}

// ---- What cannot be written

struct UnwritableSafetensorsCase {
  std::string name;
  at::Tensor (*make)();
  std::string text;
};

struct UnwritableSafetensors
    : Safetensors,
      ::testing::WithParamInterface<UnwritableSafetensorsCase> {};

TEST_P(UnwritableSafetensors, AreNamedBeforeAFileIsTouched) {
  write_safetensors_bytes(path, "old");
  const TensorsToSave tensors =
      tensors_to_save({{"a", at::ones(1)}, {"b.c", GetParam().make()}});
  EXPECT_TRUE(says(
      error_of([&] { write_safetensors(path, tensors); }),
      {"write_safetensors: '" + path + "': tensor 'b.c': ", GetParam().text}));
  EXPECT_EQ(safetensors_bytes(path), "old");
  EXPECT_EQ(folder.file_count(), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Tensors,
    UnwritableSafetensors,
    ::testing::Values(
        UnwritableSafetensorsCase{
            "Undefined", [] { return at::Tensor(); }, "undefined"},
        UnwritableSafetensorsCase{
            "Sparse", [] { return at::eye(3).to_sparse(); }, "not dense"},
        UnwritableSafetensorsCase{
            "SparseRows",
            [] { return at::eye(3).to_sparse_csr(); },
            "not dense"},
        UnwritableSafetensorsCase{
            "Quantized",
            [] {
              return at::quantize_per_tensor(at::ones(3), 0.5, 0, at::kQInt8);
            },
            "quantized"},
        UnwritableSafetensorsCase{
            "Nested",
            [] {
              return torch::nested::nested_tensor({at::ones(2), at::ones(3)});
            },
            "nested"},
        UnwritableSafetensorsCase{
            "OfDoubleComplex",
            [] { return at::ones({2}, at::kComplexDouble); },
            "no dtype for ComplexDouble"},
        UnwritableSafetensorsCase{
            "OfHalvesOfBytes",
            [] { return at::ones({2}, at::kByte).view(at::kFloat4_e2m1fn_x2); },
            "no dtype for Float4_e2m1fn_x2"},
        UnwritableSafetensorsCase{
            "Meta", [] { return at::empty({2}, at::kMeta); }, "no data"},
        UnwritableSafetensorsCase{
            "ZerosWithoutMemory",
            [] { return at::_efficientzerotensor({2}); },
            "no data"}),
    [](const auto& each) { return each.param.name; });

TEST_F(Safetensors, HaveTheirOwnNamesNotTheMetadatas) {
  EXPECT_TRUE(says(
      error_of([&] {
        write_safetensors(
            path, tensors_to_save({{"__metadata__", at::ones(1)}}));
      }),
      {path, "tensor '__metadata__'", "keeps that name"}));
  EXPECT_EQ(folder.file_count(), 0);
}

TEST_F(Safetensors, HaveNamesAndMetadataOfUtf8) {
  const auto one = tensors_to_save({{"a", at::ones(1)}});
  EXPECT_TRUE(says(
      error_of([&] {
        write_safetensors(path, tensors_to_save({{"\xff", at::ones(1)}}));
      }),
      {path, "the name '\xff' is not UTF-8"}));
  EXPECT_TRUE(says(
      error_of([&] { write_safetensors(path, one, {{"\xc3", ""}}); }),
      {path, "key '\xc3' is not UTF-8"}));
  EXPECT_TRUE(says(
      error_of([&] { write_safetensors(path, one, {{"", "\xed\xa0\x80"}}); }),
      {path, "the metadata's text", "is not UTF-8"}));
  EXPECT_EQ(folder.file_count(), 0);
}

TEST_F(Safetensors, HaveNoLongerHeaderThanCanBeRead) {
  EXPECT_TRUE(says(
      error_of([&] {
        write_safetensors(
            path, TensorsToSave(), {{"k", std::string(100'000'000, 'v')}});
      }),
      {path, "fit 100000000 bytes"}));
  EXPECT_EQ(folder.file_count(), 0);
}

TEST_F(Safetensors, LeaveTheOldFileWhereTheDiskIsFull) {
  const at::Tensor old = written_and_read(at::ones({3}));
  std::string message;
  {
    const testing::FileSizeLimit limit(1000);
    message = error_of([&] {
      write_safetensors(path, tensors_to_save({{"a", at::zeros({100000})}}));
    });
  }
  EXPECT_TRUE(says(message, {"write_safetensors: cannot write ", path}));
  EXPECT_TRUE(at::equal(SafetensorsFile(path).tensor("a"), old));
  EXPECT_EQ(folder.file_count(), 1);
}

TEST_F(Safetensors, NeedAFolderThatIsThere) {
  const std::string absent = folder.path("absent/a.safetensors");
  EXPECT_TRUE(says(
      error_of([&] { write_safetensors(absent, TensorsToSave()); }),
      {"write_safetensors: cannot write ", absent, "No such file"}));
}

} // namespace
} // namespace polytask
