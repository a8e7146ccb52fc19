# Derives what `l2l compare` prints: awk -F, -v learned=L2L -v seed=0 -f derive.awk curves.csv times.csv
# A line an optimizer: name,final,low,high,median,diverged,p10,p90,area,ratio,wins,ms,step,after. 1e300 is infinite.
function sort(n,  i, j, w) { for (i = 1; i < n; i++) { w = v[i]; for (j = i; j && v[j-1] > w; j--) v[j] = v[j-1]; v[j] = w } }
function q(p, n,  k) { k = int(p * (n-1)); return v[k] + (k + 1 < n ? (p * (n-1) - k) * (v[k+1] - v[k]) : 0) }
function mean(o, t,  e, s, m) { for (e = 0; e <= E; e++) if (x[o,e,t] < 1e300) { s += x[o,e,t]; f[m++] = x[o,e,t] }; M = m; return m ? s / m : 1e300 }
FNR == 1 { file++; next }
file == 1 { if (!($1 in known)) { known[$1]; name[N++] = $1 }; x[$1,$2,$3] = $4 == "inf" ? 1e300 : $4; E = $2; T = $3; next }
$3 > 0 { time[$1,count[$1]++] = $4 / $3 * 1000 }
END {
  for (i = 0; i < N; i++) { o = name[i]; F[o] = mean(o, T); D[o] = E + 1 - M; if (o != learned && (b == "" || D[o] < D[b] || D[o] == D[b] && F[o] < F[b])) b = o }
  for (i = 0; i < N; i++) {
    o = name[i]; mean(o, T); X = seed % 2147483646 + 1; wins = area = whole = 0; step = "-"
    for (r = 0; r < 2000; r++) { v[r] = 0; for (k = 0; k < M; k++) { X = X * 48271 % 2147483647; v[r] += f[X % M] }; v[r] = M ? v[r] / M : 1e300 }
    sort(2000); low = q(0.025, 2000); high = q(0.975, 2000)
    for (e = 0; e <= E; e++) { s = -(x[o,e,0] + x[o,e,T]) / 2; for (t = 0; t <= T; t++) s += x[o,e,t]; if (x[o,e,T] < 1e300) { area += s / T; whole++ } }
    for (e = 0; e <= E; e++) { v[e] = x[o,e,T]; wins += v[e] < x[b,e,T] ? 100 : v[e] == x[b,e,T] ? 50 : 0 }
    for (t = T; t >= 0; t--) if (mean(o, t) <= F[b]) step = t
    sort(E + 1); line = o "," F[o] "," low "," high "," q(0.5, E + 1) "," D[o] "," q(0.1, E + 1) "," q(0.9, E + 1) "," (whole ? area / whole : 1e300) "," F[o] / F[b] "," wins / (E + 1)
    for (k = 0; k < count[o]; k++) v[k] = time[o,k]
    sort(count[o]); ms = q(0.5, count[o]); print line "," ms "," step "," (step == "-" ? "-" : step * ms)
  }
}
