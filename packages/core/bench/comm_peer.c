/* allReduce of float32 sums in place, as C calls it: the median seconds of each size, as JSON. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  int level; /* as any program needs that waits for MPI on another thread */
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const long sizes[] = {1024, 65536, 1048576, 10485760};
  if (rank == 0) printf("{");
  for (int s = 0; s < 4; s++) {
    long n = sizes[s] / 4;
    int rounds = s == 3 ? 60 : 300;
    float *x = malloc(n * sizeof(float));
    double *times = malloc(rounds * sizeof(double));
    for (long i = 0; i < n; i++) x[i] = 0;
    for (int k = 0; k < rounds; k++) {
      double start = MPI_Wtime();
      MPI_Allreduce(MPI_IN_PLACE, x, n, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      times[k] = MPI_Wtime() - start;
    }
    qsort(times, rounds, sizeof(double), ascending);
    if (rank == 0) printf("%s\"%ld\": %g", s ? ", " : "", sizes[s], times[rounds / 2]);
    free(x);
    free(times);
  }
  if (rank == 0) printf("}\n");
  MPI_Finalize();
  return 0;
}
