// Newton and Schulz's iteration. Included after ck_small_product_tiles.h; defines the table CK_KERNELS.
//
// X is held with its longer side down, as Y [longer][pitch], zeros past the shorter side: A = Y^T Y
// is then a sum of rows' outer products, Y (a + b A + c A A) a plain product, and nothing is
// transposed but a wide matrix at the start and the end.

/// c [m][pitch] = alpha S^T S + beta d for S [k][pitch]: symmetric. Tiles below the diagonal panels
/// are mirrored.
static void symmetric_product(
    int64_t m, int64_t k, const float *s, int64_t pitch, float alpha, float beta, const float *d,
    float *c, float *panel
) {
  const int copies = k * pitch > CK_SP_COPY;
  for (int64_t p = 0; p < k; p += CK_SP_DEPTH) {
    const int64_t depth = k - p < CK_SP_DEPTH ? k - p : CK_SP_DEPTH;
    for (int64_t j = 0; j < m; j += CK_PANEL) {
      const int64_t columns = pitch - j < CK_PANEL ? pitch - j : CK_PANEL;
      const float *from = s + p * pitch + j;
      if (copies) copy_panel(depth, columns, from, pitch, 0, panel);
      const tile t = {
          depth, s + p * pitch, 1, pitch, copies ? panel : from, copies ? CK_PANEL : pitch, alpha,
          p > 0 ? 1 : beta, p > 0 ? c + j : d ? d + j : NULL, c + j, pitch,
      };
      run_panel(j + CK_PANEL < m ? j + CK_PANEL : m, columns, t);
    }
  }
  for (int64_t j = 0; j < m; j += CK_PANEL) {
    for (int64_t i = j + CK_PANEL; i < m; i += CK_VECTOR) {
      for (int64_t l = j; l < j + CK_PANEL; l += CK_VECTOR) {
        vf square[CK_VECTOR];
        CK_UNROLL for (int r = 0; r < CK_VECTOR; r++) square[r] = load(c + (l + r) * pitch + i);
        transpose(square);
        const int64_t rows = m - i < CK_VECTOR ? m - i : CK_VECTOR;
        for (int64_t r = 0; r < rows; r++) store(c + (i + r) * pitch + l, square[r]);
      }
    }
  }
}

/// c [m][pitch] = y s for y [m][pitch], s [k][pitch].
static void pitched_product(
    int64_t m, int64_t k, const float *y, const float *s, int64_t pitch, float *c, float *panel
) {
  const int copies = k * pitch > CK_SP_COPY;
  for (int64_t p = 0; p < k; p += CK_SP_DEPTH) {
    const int64_t depth = k - p < CK_SP_DEPTH ? k - p : CK_SP_DEPTH;
    for (int64_t j = 0; j < k; j += CK_PANEL) {
      const int64_t columns = pitch - j < CK_PANEL ? pitch - j : CK_PANEL;
      const float *from = s + p * pitch + j;
      if (copies) copy_panel(depth, columns, from, pitch, 0, panel);
      const tile t = {
          depth, y + p, pitch, 1, copies ? panel : from, copies ? CK_PANEL : pitch, 1, 1,
          p > 0 ? c + j : NULL, c + j, pitch,
      };
      run_panel(m, columns, t);
    }
  }
}

/// 1 / (|x| + 1e-8): lanes in double, in one order.
static float inverse_norm(int64_t count, const float *x) {
  double lanes[16] = {0}, total = 0;
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    CK_UNROLL for (int l = 0; l < 16; l++) lanes[l] += (double)x[i + l] * (double)x[i + l];
  }
  for (; i < count; i++) total += (double)x[i] * (double)x[i];
  CK_UNROLL for (int l = 0; l < 16; l++) total += lanes[l];
  return (float)(1 / (sqrt(total) + 1e-8));
}

/// y [columns][to_pitch] = scale x^T for x [rows][from_pitch].
static void turn(
    int64_t rows, int64_t columns, const float *x, int64_t from_pitch, float scale, float *y,
    int64_t to_pitch
) {
  int64_t i = 0;
  for (; i + CK_VECTOR <= rows; i += CK_VECTOR) {
    int64_t j = 0;
    for (; j + CK_VECTOR <= columns; j += CK_VECTOR) {
      vf square[CK_VECTOR];
      CK_UNROLL for (int r = 0; r < CK_VECTOR; r++) {
        square[r] = load(x + (i + r) * from_pitch + j) * scale;
      }
      transpose(square);
      CK_UNROLL for (int r = 0; r < CK_VECTOR; r++) store(y + (j + r) * to_pitch + i, square[r]);
    }
    for (; j < columns; j++) {
      for (int r = 0; r < CK_VECTOR; r++) {
        y[j * to_pitch + i + r] = x[(i + r) * from_pitch + j] * scale;
      }
    }
  }
  for (; i < rows; i++) {
    for (int64_t j = 0; j < columns; j++) y[j * to_pitch + i] = x[i * from_pitch + j] * scale;
  }
}

static void newton_schulz(int64_t rows, int64_t columns, float *x, float *scratch) {
  const int is_wide = rows < columns;
  const int64_t longer = is_wide ? columns : rows, shorter = is_wide ? rows : columns;
  const int64_t pitch = ck_sp_pitch(shorter);
  if (shorter == 0) return;
  float *y = scratch, *z = y + longer * pitch, *gram = z + longer * pitch;
  float *polynomial = gram + pitch * pitch, *panel = polynomial + pitch * pitch;
  const float scale = inverse_norm(rows * columns, x);
  if (pitch > shorter) memset(y, 0, (size_t)(longer * pitch) * sizeof(float));
  if (is_wide) {
    turn(rows, columns, x, columns, scale, y, pitch);
  } else {
    for (int64_t i = 0; i < rows; i++) {
      for (int64_t j = 0; j < columns; j++) y[i * pitch + j] = x[i * columns + j] * scale;
    }
  }
  for (int step = 0; step < 5; step++) {
    symmetric_product(shorter, longer, y, pitch, 1, 0, NULL, gram, panel);
    symmetric_product(shorter, shorter, gram, pitch, 2.0315f, -4.7750f, gram, polynomial, panel);
    for (int64_t i = 0; i < shorter; i++) polynomial[i * pitch + i] += 3.4445f;
    pitched_product(longer, shorter, y, polynomial, pitch, z, panel);
    float *swap = y;
    y = z;
    z = swap;
  }
  if (is_wide) {
    turn(columns, rows, y, pitch, 1, x, columns);
  } else {
    for (int64_t i = 0; i < rows; i++) {
      memcpy(x + i * columns, y + i * pitch, (size_t)columns * sizeof(float));
    }
  }
}

const ck_sp_kernels CK_KERNELS = {product, newton_schulz};
