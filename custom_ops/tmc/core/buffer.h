// Work memory: uninitialised, aligned to cache lines, and kept for the thread's next call.
#ifndef TFSP_TMC_CORE_BUFFER_H_
#define TFSP_TMC_CORE_BUFFER_H_

#include <cstddef>
#include <new>
#include <utility>

namespace tfsp::tmc {

namespace internal {

// No memory holds what 64 bits cannot count.
inline size_t Product(size_t a, size_t b) {
  size_t product;
  if (__builtin_mul_overflow(a, b, &product)) throw std::bad_array_new_length();
  return product;
}

// A few freed blocks per thread. Without it malloc hands large blocks back to the system, and the
// page faults of the next call cost more than its arithmetic.
class BlockCache {
 public:
  static constexpr size_t kMaxBytes = size_t{16} << 20;

  static BlockCache& OfThread() {
    static thread_local BlockCache cache;
    return cache;
  }
  ~BlockCache() {
    for (Block& block : blocks_) Release(block.data);
  }

  // A block of at least `bytes`; its size comes back in `bytes`.
  void* Take(size_t* bytes) {
    Block* best = nullptr;
    for (Block& block : blocks_) {
      const bool fits = block.bytes >= *bytes && block.bytes / 4 <= *bytes;
      if (fits && (best == nullptr || block.bytes < best->bytes)) best = &block;
    }
    if (best == nullptr) return ::operator new(*bytes, std::align_val_t{64});
    *bytes = best->bytes;
    best->bytes = 0;
    return std::exchange(best->data, nullptr);
  }

  void Give(void* data, size_t bytes) {
    if (bytes > kMaxBytes) return Release(data);
    Block& block = blocks_[next_];
    next_ = (next_ + 1) % kCount;
    for (Block& empty : blocks_) {
      if (empty.data == nullptr) {
        empty = {data, bytes};
        return;
      }
    }
    Release(block.data);
    block = {data, bytes};
  }

 private:
  struct Block {
    void* data = nullptr;
    size_t bytes = 0;
  };
  static constexpr int kCount = 4;

  static void Release(void* data) {
    if (data != nullptr) ::operator delete(data, std::align_val_t{64});
  }
  Block blocks_[kCount];
  int next_ = 0;
};

}  // namespace internal

// An array of plain numbers. Movable, not copyable.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t size) { Resize(size); }
  ~Buffer() { Free(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  // The contents are lost. Without memory: std::bad_alloc, and the buffer is empty.
  void Resize(size_t size) {
    size_t bytes = internal::Product(size, sizeof(T));
    if (bytes > bytes_) {
      Free();
      data_ = static_cast<T*>(internal::BlockCache::OfThread().Take(&bytes));
      bytes_ = bytes;
    }
    size_ = size;
  }
  void Resize(size_t rows, size_t columns) { Resize(internal::Product(rows, columns)); }
  T* data() { return data_; }
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }

 private:
  void Free() {
    if (data_ != nullptr) internal::BlockCache::OfThread().Give(data_, bytes_);
    data_ = nullptr;
    size_ = bytes_ = 0;
  }
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t bytes_ = 0;
};

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_CORE_BUFFER_H_
