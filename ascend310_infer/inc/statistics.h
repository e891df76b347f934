// How long it took, in the form that the original programs print.
#ifndef DEPTH_INFER_STATISTICS_H_
#define DEPTH_INFER_STATISTICS_H_

#include <cstddef>
#include <string>
#include <vector>

namespace depth {

struct Statistics {
  std::vector<double> call_ms;  // one for each call of the network(s), whatever the batch
  size_t images = 0;            // done, results written
  size_t bad = 0;               // left out
  double seconds = 0;           // from the first file's opening to the last result's closing
};

// "NN inference cost average time: ... ms of infer_count N" (per image), then percentiles of the
// calls and images/s, one line each.
std::string Report(const Statistics& statistics);

// The smallest value that at least `percent` of the values do not exceed (nearest rank).
double NearestRank(std::vector<double> values, double percent);

}  // namespace depth

#endif  // DEPTH_INFER_STATISTICS_H_
