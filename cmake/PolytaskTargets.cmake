# Helpers shared by the library, the examples, the tests and the benchmarks.

# The versions of LibTorch that polytask is written for.
set(POLYTASK_OLDEST_TORCH 2.6)
set(POLYTASK_NEWEST_TORCH 2.15)

# Finds LibTorch: Torch_DIR or CMAKE_PREFIX_PATH first, then the one that
# `import torch` gives the Python in POLYTASK_PYTHON.
macro(polytask_find_torch)
  set(POLYTASK_PYTHON "python3" CACHE STRING "The Python whose LibTorch is used when none is named")
  # Global, so that a project which adds this one as a subdirectory sees them.
  set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
  find_package(Torch QUIET)
  if(NOT Torch_FOUND)
    execute_process(
      COMMAND ${POLYTASK_PYTHON} -c "import torch; print(torch.utils.cmake_prefix_path)"
      OUTPUT_VARIABLE polytask_torch_prefix OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(polytask_torch_prefix)
      list(APPEND CMAKE_PREFIX_PATH ${polytask_torch_prefix})
    endif()
    find_package(Torch QUIET)
  endif()
  if(NOT Torch_FOUND)
    message(FATAL_ERROR
      "polytask needs LibTorch and found none. Name it with -DCMAKE_PREFIX_PATH=<libtorch>, "
      "install PyTorch for ${POLYTASK_PYTHON}, or let ./dev fetch it.")
  endif()
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" POLYTASK_TORCH_MINOR "${Torch_VERSION}")
  if(POLYTASK_TORCH_MINOR VERSION_LESS POLYTASK_OLDEST_TORCH
     OR POLYTASK_TORCH_MINOR VERSION_GREATER POLYTASK_NEWEST_TORCH)
    message(WARNING
      "polytask is written for LibTorch ${POLYTASK_OLDEST_TORCH} to ${POLYTASK_NEWEST_TORCH}, "
      "and this is ${Torch_VERSION} (${Torch_DIR}).")
  endif()
endmacro()

# Sets `result` to those of the flags that the compiler takes.
function(polytask_supported_flags result)
  include(CheckCXXCompilerFlag)
  set(supported "")
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "POLYTASK_HAS${flag}" known)
    check_cxx_compiler_flag(${flag} ${known})
    if(${known})
      list(APPEND supported ${flag})
    endif()
  endforeach()
  set(${result} "${supported}" PARENT_SCOPE)
endfunction()

# LibTorch's loop over threads is a template, which is serial in a source that is
# compiled without OpenMP: compiles this one of the target's with it.
function(polytask_compile_with_openmp target source)
  find_package(OpenMP QUIET COMPONENTS CXX)
  if(OpenMP_CXX_FOUND)
    separate_arguments(flags UNIX_COMMAND "${OpenMP_CXX_FLAGS}")
    set_source_files_properties(${source} PROPERTIES
      COMPILE_OPTIONS "${flags}" SKIP_UNITY_BUILD_INCLUSION ON SKIP_PRECOMPILE_HEADERS ON)
    # By name, so that the exported package names no file of this machine.
    target_link_libraries(${target} PRIVATE ${OpenMP_CXX_LIB_NAMES})
  else()
    message(WARNING
      "polytask: this compiler has no OpenMP, so that of the threads that LibTorch is given "
      "polytask's own loops use one.")
  endif()
endfunction()

# Sets `result` to whether LibTorch has c10d with gloo.
function(polytask_check_distributed result)
  get_target_property(definitions torch_cpu INTERFACE_COMPILE_DEFINITIONS)
  find_path(POLYTASK_C10D_INCLUDE torch/csrc/distributed/c10d/ProcessGroupGloo.hpp
    PATHS ${TORCH_INCLUDE_DIRS} NO_DEFAULT_PATH)
  if(POLYTASK_C10D_INCLUDE AND "${definitions};${TORCH_CXX_FLAGS}" MATCHES "USE_C10D_GLOO")
    set(${result} ON PARENT_SCOPE)
  else()
    set(${result} OFF PARENT_SCOPE)
  endif()
endfunction()

# Compiles this source with gloo's headers, or what it needs of them: LibTorch
# has gloo within it, but mostly not its headers.
function(polytask_compile_with_gloo source)
  find_path(POLYTASK_GLOO_INCLUDE gloo/context.h PATHS ${TORCH_INCLUDE_DIRS})
  set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  if(NOT POLYTASK_GLOO_INCLUDE)
    set_source_files_properties(${source} PROPERTIES
      INCLUDE_DIRECTORIES ${PROJECT_SOURCE_DIR}/src/distributed/declarations)
  endif()
endfunction()

# Sets `result` to whether programs that link LibTorch find its BLAS and LAPACK.
function(polytask_check_blas result)
  include(CheckCXXSourceCompiles)
  get_target_property(torch_cpu torch_cpu LOCATION)
  set(CMAKE_REQUIRED_LIBRARIES ${torch_cpu})
  # LibTorch's own libraries are found when a program starts. Apple's linker
  # has no such option and needs none.
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(CMAKE_REQUIRED_LINK_OPTIONS -Wl,--allow-shlib-undefined)
  endif()
  check_cxx_source_compiles("
    extern \"C\" { void sgemm_(); void dgemm_(); void dsyevd_(); }
    int main() { sgemm_(); dgemm_(); dsyevd_(); }" ${result})
endfunction()

# Sets `result` to whether LibTorch has the kernels that src/optim/fused_ops.cpp
# calls, on a CPU too.
function(polytask_check_fused_optimizers result)
  include(CheckSourceCompiles)
  set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
  set(CMAKE_CXX_STANDARD 20)
  set(CMAKE_REQUIRED_INCLUDES ${TORCH_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_QUIET ON)
  check_source_compiles(CXX "
    #include <ATen/ops/_fused_adam.h>
    #include <ATen/ops/_fused_adam_cpu_dispatch.h>
    #include <ATen/ops/_fused_adamw.h>
    #include <ATen/ops/_fused_adamw_cpu_dispatch.h>
    #include <ATen/ops/_fused_sgd.h>
    #include <ATen/ops/_fused_sgd_cpu_dispatch.h>
    void step(at::TensorList t) {
      at::_fused_sgd_(t, t, t, 0.0, 0.0, 0.0, 0.0, false, false, false);
      at::_fused_adam_(t, t, t, t, t, t, 0.0, 0.0, 0.0, 0.0, 0.0, false, false);
      at::_fused_adamw_(t, t, t, t, t, t, 0.0, 0.0, 0.0, 0.0, 0.0, false, false);
    }" POLYTASK_FUSED_OPTIMIZERS)
  set(${result} "$<BOOL:${POLYTASK_FUSED_OPTIMIZERS}>" PARENT_SCOPE)
endfunction()

# Warnings, sanitizers and unity builds for one of our own targets.
function(polytask_setup_target target)
  if(MSVC)
    target_compile_options(${target} PRIVATE /W4)
  else()
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -Wshadow)
  endif()
  # Clang counts int64_t and size_t among the conversions of -Wconversion; GCC does not.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${target} PRIVATE -Wno-sign-conversion)
  endif()
  # GCC 12 sees overlapping copies in `"text" + string` where there are none
  # (GCC bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict)
  endif()
  if(POLYTASK_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE $<IF:$<BOOL:${MSVC}>,/WX,-Werror>)
  endif()
  if(POLYTASK_SANITIZE)
    if(POLYTASK_SANITIZE MATCHES "thread" AND POLYTASK_SANITIZE MATCHES "address")
      message(FATAL_ERROR "POLYTASK_SANITIZE: the thread and address sanitizers exclude each other.")
    endif()
    target_compile_options(${target} PUBLIC -fsanitize=${POLYTASK_SANITIZE} -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${POLYTASK_SANITIZE})
    # Clang does not vectorise what it watches, and would say so.
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
      target_compile_options(${target} PRIVATE -Wno-pass-failed)
    endif()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${POLYTASK_UNITY})
  if(NOT CMAKE_UNITY_BUILD_BATCH_SIZE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD_BATCH_SIZE 24)
  endif()
endfunction()

# Tests and examples are compiled for a quick build; their time is LibTorch's
# and the library's.
function(polytask_quick_build target)
  if(NOT MSVC)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()
