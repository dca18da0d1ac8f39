// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/unpickler.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/ops/arange.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "io/pickle_item.h"
#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::io {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using testing::says;

// Pickles, an instruction at a time.
class PickleBuilder {
 public:
  std::string bytes = "\x80\x02";

  PickleBuilder& raw(const std::string& text) {
    bytes += text;
    return *this;
  }
  PickleBuilder& global(const std::string& module, const std::string& name) {
    return raw("c" + module + "\n" + name + "\n");
  }
  PickleBuilder& text(const std::string& text) {
    return raw("X").number(static_cast<uint32_t>(text.size()), 4).raw(text);
  }
  PickleBuilder& integer(int64_t value) {
    return raw("\x8a\x08").number(static_cast<uint64_t>(value), 8);
  }
  PickleBuilder& integers(const std::vector<int64_t>& values) {
    raw("(");
    for (const int64_t value : values) {
      integer(value);
    }
    return raw("t");
  }
  PickleBuilder& number(uint64_t value, int size) {
    for (int i = 0; i < size; ++i) {
      bytes.push_back(static_cast<char>(value >> (8 * i)));
    }
    return *this;
  }
  PickleBuilder& storage(
      int64_t length,
      const std::string& kind = "FloatStorage",
      const std::string& key = "0") {
    raw("(").text("storage");
    global(kind == "UntypedStorage" ? "torch.storage" : "torch", kind);
    return text(key).text("cuda:0").integer(length).raw("tQ");
  }
  PickleBuilder& tensor(
      int64_t offset,
      const std::vector<int64_t>& sizes,
      const std::vector<int64_t>& strides) {
    global("torch._utils", "_rebuild_tensor_v2").raw("(").storage(6);
    integer(offset).integers(sizes).integers(strides);
    return raw("\x88").global("collections", "OrderedDict").raw(")RtR");
  }
};

PickleBuilder pickle() {
  return {};
}

// All storages hold the floats 0 to 5.
c10::IValue unpickled(const std::string& bytes) {
  const at::Tensor floats = at::arange(6, at::kFloat);
  return detail::unpickle(
      bytes, [&](const std::string&) { return floats.storage(); });
}

c10::IValue pickle_value(const PickleBuilder& builder) {
  return unpickled(builder.bytes + ".");
}

std::string pickle_refusal(const PickleBuilder& builder) {
  return error_of([&] { pickle_value(builder); });
}

TEST(Unpickler, ReadsNumbersTextBoolAndNone) {
  const auto list = pickle_value(
      pickle()
          .raw("](J\xfe\xff\xff\xffK\xffM\x01\x02")
          .raw(std::string("\x8a\x00\x8a\x01\xff\x8a\x02\xff\x00", 9))
          .raw(std::string("G\x3f\xf8\0\0\0\0\0\0", 9))
          .text("caf\xc3\xa9")
          .raw("\x88\x89Ne"));
  const auto values = list.toList();
  ASSERT_EQ(values.size(), 11U);
  EXPECT_EQ(values.get(0).toInt(), -2);
  EXPECT_EQ(values.get(1).toInt(), 255);
  EXPECT_EQ(values.get(2).toInt(), 513);
  EXPECT_EQ(values.get(3).toInt(), 0);
  EXPECT_EQ(values.get(4).toInt(), -1);
  EXPECT_EQ(values.get(5).toInt(), 255);
  EXPECT_EQ(values.get(6).toDouble(), 1.5);
  EXPECT_EQ(values.get(7).toStringRef(), "caf\xc3\xa9");
  EXPECT_TRUE(values.get(8).toBool());
  EXPECT_FALSE(values.get(9).toBool());
  EXPECT_TRUE(values.get(10).isNone());
}

TEST(Unpickler, ReadsThe64BitsOfAnInteger) {
  const auto least = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(pickle_value(pickle().integer(least)).toInt(), least);
  EXPECT_TRUE(says(
      pickle_refusal(pickle().raw("\x8a\x09").number(0, 8).raw("\x01")),
      {"more than 64 bits"}));
}

TEST(Unpickler, ReadsDictsInTheirOrderWithKeysOfAnyKind) {
  const auto dict =
      pickle_value(pickle()
                       .raw("}")
                       .text("b")
                       .raw("Ns(K\x07")
                       .text("seven")
                       .raw(std::string("G\x3f\xf8\0\0\0\0\0\0", 9) + "\x88u"));
  std::vector<std::string> keys;
  for (const auto& entry : dict.toGenericDict()) {
    keys.push_back(c10::str(entry.key()));
  }
  EXPECT_THAT(keys, ElementsAre("b", "7", "1.5"));
  EXPECT_EQ(dict.toGenericDict().at(7).toStringRef(), "seven");
}

TEST(Unpickler, TakesTheLastOfEqualKeys) {
  const auto dict = pickle_value(pickle().raw("}(K\x01K\x02K\x01K\x03u"));
  EXPECT_EQ(dict.toGenericDict().size(), 1U);
  EXPECT_EQ(dict.toGenericDict().at(1).toInt(), 3);
}

TEST(Unpickler, ReadsTuplesOfEverySize) {
  const auto tuple = pickle_value(pickle().raw("()N\x85NN\x86NNN\x87(NNNNtt"));
  std::vector<size_t> sizes;
  for (const auto& each : tuple.toTupleRef().elements()) {
    sizes.push_back(each.toTupleRef().elements().size());
  }
  EXPECT_THAT(sizes, ElementsAre(0, 1, 2, 3, 4));
}

TEST(Unpickler, ReadsProtocol4) {
  PickleBuilder builder;
  builder.bytes = "\x80\x04";
  const auto dict =
      pickle_value(builder.raw("\x95")
                       .number(40, 8)
                       .raw("}\x94\x8c\x01k\x94")
                       .raw("\x8d")
                       .number(11, 8)
                       .raw("collections\x8c\x0bOrderedDict\x93)R")
                       .raw("sh\x01Ns"));
  EXPECT_TRUE(dict.toGenericDict().at("k").isNone());
}

TEST(Unpickler, DropsTheAttributesOfAnOrderedDict) {
  const auto dict = pickle_value(pickle()
                                     .global("collections", "OrderedDict")
                                     .raw(")Rq")
                                     .number(0, 1)
                                     .raw("(K\x01Nu}")
                                     .text("_metadata")
                                     .raw("}sb"));
  EXPECT_EQ(dict.toGenericDict().size(), 1U);
}

TEST(Unpickler, ReadsSizesCountersDevicesAndNamesOfDtypes) {
  const auto list = pickle_value(pickle()
                                     .raw("](")
                                     .global("torch", "Size")
                                     .integers({2, 3})
                                     .raw("\x85R")
                                     .global("collections", "Counter")
                                     .raw("}K\x05K\x01s\x85R")
                                     .global("torch", "device")
                                     .text("cuda")
                                     .raw("K\x01\x86R")
                                     .global("torch", "bfloat16")
                                     .raw("e"))
                        .toList();
  EXPECT_EQ(list.get(0).toTupleRef().elements()[1].toInt(), 3);
  EXPECT_EQ(list.get(1).toGenericDict().at(5).toInt(), 1);
  EXPECT_EQ(list.get(2).toDevice(), c10::Device(at::kCUDA, 1));
  EXPECT_EQ(list.get(3).toStringRef(), "torch.bfloat16");
}

TEST(Unpickler, RebuildsTensorsWithOffsetsAndStrides) {
  const auto tensor =
      pickle_value(pickle().tensor(1, {2, 2}, {1, 3})).toTensor();
  EXPECT_TRUE(
      tensor.equal(at::arange(6, at::kFloat).as_strided({2, 2}, {1, 3}, 1)));
  EXPECT_EQ(tensor.stride(1), 3);
  EXPECT_EQ(tensor.storage_offset(), 1);
  EXPECT_FALSE(tensor.requires_grad());
}

TEST(Unpickler, RebuildsParametersAsTensors) {
  const auto list =
      pickle_value(pickle()
                       .raw("](")
                       .global("torch._utils", "_rebuild_parameter")
                       .raw("(")
                       .tensor(0, {6}, {1})
                       .raw("\x88NtR")
                       .global("torch._utils", "_rebuild_parameter_with_state")
                       .raw("(")
                       .tensor(0, {2}, {1})
                       .raw("\x88N}tRe"))
          .toList();
  const at::Tensor first = list.get(0).toTensor();
  EXPECT_FALSE(first.requires_grad());
  EXPECT_TRUE(first.is_alias_of(list.get(1).toTensor()));
}

TEST(Unpickler, RebuildsTensorsOfLaterDtypes) {
  const auto tensor =
      pickle_value(pickle()
                       .global("torch._utils", "_rebuild_tensor_v3")
                       .raw("(")
                       .storage(24, "UntypedStorage")
                       .raw("K\x02K\x03\x85K\x02\x85\x89N")
                       .global("torch", "uint16")
                       .raw("tR"))
          .toTensor();
  EXPECT_EQ(tensor.scalar_type(), at::kUInt16);
  EXPECT_EQ(tensor.stride(0), 2);
}

TEST(Unpickler, RebuildsLazilyConjugatedTensors) {
  const auto tensor =
      pickle_value(pickle()
                       .global("torch._utils", "_rebuild_tensor_v2")
                       .raw("(")
                       .storage(3, "ComplexFloatStorage")
                       .raw(std::string("K\0K\x03\x85K\x01\x85\x89N}", 11))
                       .text("conj")
                       .raw("\x88stR"))
          .toTensor();
  EXPECT_TRUE(tensor.is_conj());
  EXPECT_EQ(tensor[1].item().toComplexFloat(), c10::complex<float>(2.F, -3.F));
}

// Nothing that these name is called: there is no code in the library that
// could.
TEST(Unpickler, RefusesEveryOtherGlobalByItsFullName) {
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{
           {"os", "system"},
           {"builtins", "eval"},
           {"builtins", "set"},
           {"_codecs", "encode"},
           {"numpy._core.multiarray", "scalar"},
           {"torch._tensor", "_rebuild_from_type_v2"},
           {"torch._utils", "_rebuild_qtensor"},
           {"torch._utils", "_rebuild_sparse_tensor"},
           {"torch.storage", "_load_from_bytes"},
           {"torch", "load"},
           {"torch", "QInt8Storage"},
           {"torch.jit._pickle", "restore_type_tag"},
           {"torch.nn.modules.linear", "Linear"}}) {
    EXPECT_TRUE(says(
        pickle_refusal(pickle().global(module, name).text("echo").raw("\x85R")),
        {"'" + module + "." + name + "' is not allowed: a file of weights",
         "nothing in it is executed"}));
  }
}

TEST(Unpickler, RefusesGlobalsFromTheStack) {
  EXPECT_TRUE(says(
      pickle_refusal(pickle().text("posix").text("system").raw("\x93")),
      {"'posix.system' is not allowed"}));
  EXPECT_TRUE(says(
      pickle_refusal(pickle().text("os").raw("K\x01\x93")),
      {"a text is missing"}));
}

TEST(Unpickler, ShowsNamesOfAnyBytes) {
  const auto message =
      pickle_refusal(pickle().global("a\x1b[31m\xff", std::string(1000, 'x')));
  EXPECT_TRUE(says(message, {"'a?[31m?.xxx", "...' is not allowed"}));
  EXPECT_LT(message.size(), 700U);
}

TEST(Unpickler, RefusesToCallWhatIsNoFunction) {
  for (const std::string callee : {"N", "K\x01", "]", "}", ")"}) {
    EXPECT_TRUE(
        says(pickle_refusal(pickle().raw(callee + ")R")), {"is no function"}));
  }
  EXPECT_TRUE(says(
      pickle_refusal(pickle().global("torch", "float32").raw(")R")),
      {"'torch.float32' is called"}));
  EXPECT_TRUE(says(
      pickle_refusal(pickle().global("torch", "FloatStorage").raw(")R")),
      {"'torch.FloatStorage' is called"}));
}

TEST(Unpickler, RefusesOddArguments) {
  for (const std::string name :
       {"_rebuild_tensor_v2",
        "_rebuild_tensor_v3",
        "_rebuild_parameter",
        "_rebuild_parameter_with_state"}) {
    for (const std::string arguments :
         {")", "N", "(Nt", "(NNNt", "(NNNNt", "(NNNNNNt", "(NNNNNNNt"}) {
      EXPECT_TRUE(says(
          pickle_refusal(
              pickle().global("torch._utils", name).raw(arguments + "R")),
          {"its pickle is damaged"}));
    }
  }
  for (const std::string arguments : {")", "N", "]\x85", "N\x85", "NN\x86"}) {
    EXPECT_NE(
        pickle_refusal(pickle().global("torch", "Size").raw(arguments + "R")),
        "");
    EXPECT_NE(
        pickle_refusal(pickle().global("torch", "device").raw(arguments + "R")),
        "");
    EXPECT_NE(
        pickle_refusal(
            pickle().global("collections", "Counter").raw(arguments + "R")),
        "");
  }
  EXPECT_NE(
      pickle_refusal(
          pickle().global("torch", "device").text("toaster").raw("\x85R")),
      "");
}

TEST(Unpickler, RefusesInstructionsThatFindTooFewValues) {
  for (const std::string code :
       {".",
        "a",
        "b",
        "e",
        "s",
        "t",
        "u",
        "Q",
        "R",
        "q\x01",
        "r\1\1\1\1",
        "\x85",
        "\x86",
        "\x87",
        "\x93",
        "\x94"}) {
    EXPECT_TRUE(
        says(pickle_refusal(pickle().raw(code)), {"damaged", "missing"}))
        << code;
    // What is below a mark is out of reach.
    EXPECT_NE(pickle_refusal(pickle().raw("]NN(" + code)), "") << code;
  }
}

TEST(Unpickler, RefusesToAddToWhatIsNoContainer) {
  for (const std::string code :
       {"NNa", "}Na", ")Na", "N(Ne", "](NNu", "NNNs", "]NNs"}) {
    EXPECT_TRUE(
        says(pickle_refusal(pickle().raw(code)), {"to what holds none"}));
  }
  EXPECT_TRUE(
      says(pickle_refusal(pickle().raw("}(Nu")), {"a key has no value"}));
  EXPECT_TRUE(says(pickle_refusal(pickle().raw("]}b")), {"no OrderedDict"}));
  EXPECT_TRUE(says(pickle_refusal(pickle().raw("NN")), {"left over"}));
}

TEST(Unpickler, RefusesToRememberWhatIsNotThere) {
  EXPECT_TRUE(
      says(pickle_refusal(pickle().raw("h\x05")), {"remembered value"}));
  EXPECT_TRUE(says(
      pickle_refusal(pickle().raw("Nr\1\2\3\4j\1\2\3\5")),
      {"remembered value"}));
  EXPECT_EQ(
      pickle_refusal(pickle().raw("](Nr\1\2\3\xffj\1\2\3\xff"
                                  "e")),
      "");
}

TEST(Unpickler, RefusesTextThatIsLongerThanTheFile) {
  EXPECT_TRUE(says(
      pickle_refusal(pickle().raw("X\xff\xff\xff\xff"
                                  "a")),
      {"cut"}));
  EXPECT_TRUE(says(
      pickle_refusal(pickle().raw("\x8d").number(~uint64_t{0}, 8)), {"cut"}));
  EXPECT_TRUE(says(pickle_refusal(pickle().raw("cos\nsystem")), {"cut"}));
}

TEST(Unpickler, RefusesTextThatIsNotUtf8) {
  for (const std::string text :
       {"\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_TRUE(says(pickle_refusal(pickle().text(text)), {"not UTF-8"}));
  }
  EXPECT_EQ(pickle_refusal(pickle().text("\xf0\x9f\x98\x80 \xed\xa0\x80")), "");
}

TEST(Unpickler, RefusesBytesSetsAndObjects) {
  for (const std::string code :
       {"C\x01"
        "a",
        "\x8f",
        "N\x81",
        "I1\n",
        "i",
        "o",
        "P",
        "\x82\x01",
        "2"}) {
    EXPECT_TRUE(says(pickle_refusal(pickle().raw(code)), {"the instruction"}));
  }
}

TEST(Unpickler, RefusesTensorsBeyondTheirStorage) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const auto refused = [](int64_t offset,
                          const std::vector<int64_t>& sizes,
                          const std::vector<int64_t>& strides) {
    return says(
        pickle_refusal(pickle().tensor(offset, sizes, strides)),
        {"does not fit into its storage of 6 elements"});
  };
  EXPECT_TRUE(refused(0, {7}, {1}));
  EXPECT_TRUE(refused(1, {6}, {1}));
  EXPECT_TRUE(refused(0, {2}, {6}));
  EXPECT_TRUE(refused(6, {}, {}));
  EXPECT_TRUE(refused(7, {0}, {1}));
  EXPECT_TRUE(refused(-1, {1}, {1}));
  EXPECT_TRUE(refused(5, {2}, {-1}));
  EXPECT_TRUE(refused(0, {-1}, {1}));
  EXPECT_TRUE(refused(0, {2, 2}, {1}));
  EXPECT_TRUE(refused(kMost, {2}, {1}));
  EXPECT_TRUE(refused(0, {kMost, 3}, {1, kMost}));
  EXPECT_TRUE(refused(2, {3, 3}, {kMost, kMost}));
  EXPECT_TRUE(refused(0, {int64_t{1} << 32, int64_t{1} << 32}, {0, 0}));
  EXPECT_TRUE(
      refused(0, std::vector<int64_t>(65, 1), std::vector<int64_t>(65, 1)));
  EXPECT_EQ(pickle_refusal(pickle().tensor(6, {0, 3}, {3, 1})), "");
  EXPECT_EQ(pickle_refusal(pickle().tensor(5, {1000}, {0})), "");
}

// Which a pickle could name again and again, in a few bytes each time: the
// reading took the square of the file's length.
TEST(Unpickler, RefusesLongSizesAndLongMetadata) {
  const auto size = [](size_t count) {
    return pickle_refusal(pickle()
                              .global("torch", "Size")
                              .integers(std::vector<int64_t>(count, 1))
                              .raw("\x85R"));
  };
  EXPECT_EQ(size(64), "");
  EXPECT_TRUE(says(size(65), {"a torch.Size is too long"}));
  const auto metadata = [](int count) {
    PickleBuilder built = pickle();
    built.global("torch._utils", "_rebuild_tensor_v2").raw("(").storage(3);
    built.raw(std::string("K\0K\x03\x85K\x01\x85\x89N}", 11));
    for (int i = 0; i < count; ++i) {
      built.text("conj").raw("\x89s");
    }
    return pickle_refusal(built.raw("tR"));
  };
  EXPECT_EQ(metadata(16), "");
  EXPECT_TRUE(says(metadata(17), {"a tensor is odd"}));
}

TEST(Unpickler, RefusesStoragesThatAreLongerThanTheirRecord) {
  EXPECT_TRUE(says(
      pickle_refusal(pickle().storage(7)),
      {"a storage of 7 elements, but its record has 24 bytes"}));
  EXPECT_NE(pickle_refusal(pickle().storage(-1)), "");
  EXPECT_NE(pickle_refusal(pickle().storage(4, "DoubleStorage")), "");
  EXPECT_NE(pickle_refusal(pickle().storage(int64_t{1} << 62)), "");
}

TEST(Unpickler, RefusesStoragesAndFunctionsAsValues) {
  EXPECT_TRUE(
      says(pickle_refusal(pickle().storage(6)), {"a storage on its own"}));
  EXPECT_TRUE(says(
      pickle_refusal(
          pickle().raw("]").global("torch", "FloatStorage").raw("a")),
      {"'torch.FloatStorage'"}));
  EXPECT_TRUE(says(pickle_refusal(pickle().raw("(NNNNNtQ")), {"damaged"}));
  EXPECT_TRUE(says(pickle_refusal(pickle().text("0").raw("Q")), {"damaged"}));
}

TEST(Unpickler, RefusesKeysThatAreNoTextOrNumbers) {
  for (const std::string key : {"N", ")", "]"}) {
    EXPECT_TRUE(says(
        pickle_refusal(pickle().raw("}" + key + "Ns")), {"text or numbers"}));
  }
}

// Such a list as an IValue would never be freed.
TEST(Unpickler, RefusesWhatHoldsItself) {
  for (const std::string& code :
       {std::string("]q\0h\0a", 6),
        std::string("}q\0K\1h\0s", 8),
        std::string(
            "]q\0h\0\x85"
            "a",
            7),
        std::string("]q\0]h\0aa", 8)}) {
    EXPECT_TRUE(says(pickle_refusal(pickle().raw(code)), {"holds itself"}));
  }
}

TEST(Unpickler, RefusesDeepNesting) {
  const auto nested = [](int depth) {
    return pickle().raw(
        std::string(static_cast<size_t>(depth), ']') +
        std::string(static_cast<size_t>(depth) - 1, 'a'));
  };
  EXPECT_EQ(pickle_refusal(nested(detail::kDeepest)), "");
  EXPECT_TRUE(
      says(pickle_refusal(nested(detail::kDeepest + 1)), {"one in another"}));
  EXPECT_TRUE(says(pickle_refusal(nested(1000000)), {"one in another"}));
}

// [[N]] is made first, then put into a list that is deep by then.
TEST(Unpickler, CountsTheDepthOfWhatWasMadeBefore) {
  const auto nested = [](int depth) {
    PickleBuilder builder;
    builder.raw(std::string("]]]Naaq\0a", 9));
    for (int i = 1; i < depth; ++i) {
      builder.raw("]");
    }
    builder.raw(std::string("h\0", 2))
        .raw(std::string(static_cast<size_t>(depth), 'a'));
    return builder;
  };
  EXPECT_EQ(pickle_refusal(nested(detail::kDeepest - 2)), "");
  EXPECT_TRUE(
      says(pickle_refusal(nested(detail::kDeepest - 1)), {"one in another"}));
}

// 2^150 values for whoever walks all of it, 151 lists here.
TEST(Unpickler, KeepsWhatIsSharedShared) {
  PickleBuilder builder;
  builder.raw("](]").raw(std::string("q\0", 2));
  for (int i = 0; i < 150; ++i) {
    builder.raw(std::string("](h\0h\0eq\0", 9));
  }
  const auto lists = pickle_value(builder.raw("e")).toList();
  ASSERT_EQ(lists.size(), 151U);
  const c10::IValue last = lists.get(150);
  EXPECT_TRUE(last.toListRef()[0].is(last.toListRef()[1]));
  EXPECT_TRUE(last.toListRef()[0].is(lists.get(149)));
}

// The table would grow until they are apart: keys whose places agree in their
// first 40 bits.
TEST(Unpickler, RefusesKeysThatWereChosenToCollide) {
  uint64_t inverse = 1;
  for (int i = 0; i < 6; ++i) {
    inverse *= 2 - 11400714819323198485ULL * inverse;
  }
  PickleBuilder builder;
  builder.raw("}(");
  for (uint64_t i = 0; i < 40; ++i) {
    builder.integer(static_cast<int64_t>(i * inverse)).raw("N");
  }
  EXPECT_TRUE(says(pickle_refusal(builder.raw("u")), {"takes all memory"}));
}

TEST(Unpickler, TakesManyKeys) {
  PickleBuilder builder;
  builder.raw("}(");
  for (int64_t i = 0; i < 50000; ++i) {
    builder.integer(i).raw("N").text("layers." + std::to_string(i)).raw("N");
  }
  EXPECT_EQ(pickle_value(builder.raw("u")).toGenericDict().size(), 100000U);
}

TEST(Unpickler, RefusesAPickleThatEndsAnywhere) {
  const auto bytes = pickle()
                         .raw("}(")
                         .text("w")
                         .tensor(0, {2, 3}, {3, 1})
                         .text("epoch")
                         .integer(3)
                         .raw("u")
                         .bytes;
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_NE(error_of([&] { unpickled(bytes.substr(0, length)); }), "");
  }
  EXPECT_EQ(unpickled(bytes + ".").toGenericDict().size(), 2U);
}

} // namespace
} // namespace polytask::io
