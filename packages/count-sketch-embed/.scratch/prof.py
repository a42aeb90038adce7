import json,sys,collections
p=json.load(open(sys.argv[1])); N=float(sys.argv[2])
nodes={n['id']:n for n in p['nodes']}
selft=collections.Counter()
for s,d in zip(p['samples'],p['timeDeltas']): selft[s]+=d
agg=collections.Counter()
for i,t in selft.items():
    f=nodes[i]['callFrame']; agg[(f['functionName'],f['url'].split('/')[-1],f['lineNumber'])]+=t
for k,t in agg.most_common(28): print(f'{t/1000/N:.3f} ms/it',k)
