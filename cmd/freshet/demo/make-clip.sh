#!/bin/sh
# Makes clip.ts, the picture that `freshet demo` sends: eight seconds that loop
# without a seam. 8 s are 240 frames at 30/s and 375 AAC frames of 1024 samples
# at 48 kHz, so picture and sound end together. Needs ffmpeg with libx264 and
# the DejaVu fonts. Run it in this folder.
set -eu

font=${FONT:-/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf}
text="fontfile=$font:fontcolor=white:box=1:boxcolor=black@0.75:boxborderw=14"

# All motion has a period that divides 8 s: a ball that crosses the picture in
# 4 s, a bar that fills in 8 s, a white square with each beep.
video="
  smptehdbars=s=1280x720:r=30:d=8[bars];
  color=c=0x202428:s=1280x300:r=30:d=8[panel];
  color=c=0xffb000:s=96x96:r=30:d=8,format=rgba,
    geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='255*lte(hypot(X-48,Y-48),46)'[ball];
  color=c=0x30c060:s=1280x16:r=30:d=8[bar];
  color=c=white:s=96x96:r=30:d=8[flash];
  [bars][panel]overlay=0:210[a];
  [a][ball]overlay=x='592-592*cos(2*PI*t/4)':y='312-60*abs(sin(2*PI*t/2))'[b];
  [b][bar]overlay=x='-1280+1280*t/8':y=494[c];
  [c][flash]overlay=x=1144:y=40:enable='lt(mod(t,1),0.1)'[d];
  [d]drawtext=$text:fontsize=60:x=(w-tw)/2:y=560:text='%{eif\:trunc(t)\:d}.%{eif\:mod(n*100/3\,1000)\:d\:3}  %{eif\:n\:d\:3}',
     drawtext=$text:fontsize=26:x=(w-tw)/2:y=664:text='clip time and frame, not the time of day',
     drawtext=$text:fontsize=40:x=60:y=60:text='Freshet demo'[v]"

# A beep of 100 ms each second, the first one higher. It starts 2 ms late, so
# that the loop's ends are silent.
audio="aevalsrc='0.2*sin(2*PI*if(lt(t,1),1500,1000)*t)*between(mod(t,1),0.002,0.1)|0.2*sin(2*PI*if(lt(t,1),1500,1000)*t)*between(mod(t,1),0.002,0.1)':s=48000:d=8[s]"

# The first AAC packet is the encoder's own start-up and is left out; one AAC
# frame in a PES keeps the sound as fresh as the picture.
ffmpeg -hide_banner -loglevel warning -y -filter_complex "$video;$audio" -map '[v]' -map '[s]' \
  -c:v libx264 -preset veryslow -profile:v high -pix_fmt yuv420p -level:v 3.1 -refs 2 -bf 0 -g 30 -keyint_min 30 -sc_threshold 0 \
  -crf 25 -maxrate 1500k -bufsize 750k -x264-params open-gop=0:aud=1 \
  -c:a aac -b:a 96k -bsf:a 'noise=drop=eq(n\,0)' \
  -metadata service_name='Freshet demo' -metadata service_provider=Freshet \
  -muxdelay 0 -muxpreload 0 -pes_payload_size 0 -pcr_period 40 -pat_period 0.25 -f mpegts clip.ts
