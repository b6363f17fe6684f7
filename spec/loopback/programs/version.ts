console.log(process.version.slice(1));
