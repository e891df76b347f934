// Bounded queues between the stages of the pipeline: they hold memory flat and stop together.
#ifndef DEPTH_INFER_QUEUE_H_
#define DEPTH_INFER_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace depth {

// Items come in any order with an index from 0 and leave in the order of their index. A producer
// waits while its item is `capacity` or more ahead of the next one to leave.
template <class T>
class OrderedQueue {
 public:
  OrderedQueue(size_t capacity, size_t total) : capacity_(capacity), total_(total) {}

  // False when the queue was stopped: the producer should end.
  bool Push(size_t index, T item) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || index < next_ + capacity_; });
    if (stopped_) return false;
    items_.emplace(index, std::move(item));
    changed_.notify_all();
    return true;
  }

  // The next item; nothing after the last one or when the queue was stopped.
  std::optional<T> Pop() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (next_ == total_) return std::nullopt;
    changed_.wait(lock, [&] { return stopped_ || items_.count(next_) > 0; });
    if (stopped_) return std::nullopt;
    T item = std::move(items_.extract(next_).mapped());
    ++next_;
    changed_.notify_all();
    return item;
  }

  void Stop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  const size_t capacity_, total_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<size_t, T> items_;
  size_t next_ = 0;
  bool stopped_ = false;
};

// First in, first out. Close() lets the consumers empty it, Stop() makes everybody leave at once.
template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}

  bool Push(T item) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || items_.size() < capacity_; });
    if (stopped_) return false;
    items_.push_back(std::move(item));
    changed_.notify_all();
    return true;
  }

  std::optional<T> Pop() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || closed_ || !items_.empty(); });
    if (stopped_ || items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    changed_.notify_all();
    return item;
  }

  void Close() {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  void Stop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false, stopped_ = false;
};

}  // namespace depth

#endif  // DEPTH_INFER_QUEUE_H_
