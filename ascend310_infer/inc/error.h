// The two kinds of failure that a user sees: what is wrong with the input, and what went wrong.
#ifndef DEPTH_INFER_ERROR_H_
#define DEPTH_INFER_ERROR_H_

#include <stdexcept>
#include <string>

namespace depth {

// A wrong argument, model, sidecar or image: exit code 2. Every other exception ends with 1.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace depth

#endif  // DEPTH_INFER_ERROR_H_
