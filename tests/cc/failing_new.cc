// An allocator of C++ that fails on demand, to be preloaded: what a lack of memory does, at every
// place where memory is asked for.
//   g++ -std=c++17 -O1 -shared -fPIC tests/cc/failing_new.cc -o failing_new.so
// Armed for one thread and one failure at a time; the counts are of that thread.
#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local bool armed = false;
thread_local long left = 0;  // allocations before the one that fails
thread_local long live = 0;  // blocks taken and not given back

void* Take(std::size_t bytes, std::size_t alignment) {
  if (armed && left-- == 0) throw std::bad_alloc();
  bytes = (bytes / alignment + 1) * alignment;  // as aligned_alloc wants it, and never 0
  void* data = std::aligned_alloc(alignment, bytes);
  if (data == nullptr) throw std::bad_alloc();
  ++live;
  return data;
}

void Give(void* data) {
  if (data != nullptr) --live;
  std::free(data);
}

}  // namespace

extern "C" void Arm(long successes) {
  armed = true;
  left = successes;
}
// Whether the failure has come.
extern "C" int Disarm() {
  armed = false;
  return left < 0;
}
extern "C" long LiveBlocks() { return live; }

void* operator new(std::size_t bytes) { return Take(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return Take(bytes, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t bytes) { return Take(bytes, alignof(std::max_align_t)); }
void operator delete(void* data) noexcept { Give(data); }
void operator delete(void* data, std::size_t) noexcept { Give(data); }
void operator delete(void* data, std::align_val_t) noexcept { Give(data); }
void operator delete(void* data, std::size_t, std::align_val_t) noexcept { Give(data); }
void operator delete[](void* data) noexcept { Give(data); }
void operator delete[](void* data, std::size_t) noexcept { Give(data); }
